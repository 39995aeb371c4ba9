/* SPDX-License-Identifier: Apache-2.0 */
#include "link/fields.h"

#include <errno.h>
#include <string.h>

#include "link/json_scan.h"
#include "link/wire.h"

/* ---- the rules of strings ---- */

static bool identifier_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

bool link_identifier_ok(const char *text)
{
	size_t len = strnlen(text, LINK_NAME_MAX);

	/* A leading '.' or '-' would be a hidden file, a parent folder or an option elsewhere. */
	if (len == 0 || len == LINK_NAME_MAX || text[0] == '.' || text[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!identifier_byte(text[i]))
			return false;
	return true;
}

bool link_display_ok(const char *text)
{
	const uint8_t *bytes = (const uint8_t *)text;
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] < 0x20 || bytes[i] == 0x7f)
			return false;
		if (bytes[i] == 0xc2 && bytes[i + 1] < 0xa0)
			return false; /* U+0080..009F; the NUL at the end makes i + 1 readable */
	}
	return json_utf8_ok(bytes, len);
}

static bool text_ok(enum field_kind kind, const char *text)
{
	switch (kind) {
	case FIELD_NAME:
		return link_identifier_ok(text);
	case FIELD_PROJECT:
		return text[0] == '\0' || link_identifier_ok(text);
	default:
		return link_display_ok(text);
	}
}

/* ---- integers of any width in a struct ---- */

static uint64_t integer_load(const void *from, size_t size)
{
	uint64_t value = 0;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;

	switch (size) {
	case 1:
		memcpy(&u8, from, sizeof(u8));
		return u8;
	case 2:
		memcpy(&u16, from, sizeof(u16));
		return u16;
	case 4:
		memcpy(&u32, from, sizeof(u32));
		return u32;
	default:
		memcpy(&value, from, sizeof(value));
		return value;
	}
}

static void integer_store(void *to, size_t size, uint64_t value)
{
	uint8_t u8 = (uint8_t)value;
	uint16_t u16 = (uint16_t)value;
	uint32_t u32 = (uint32_t)value;

	switch (size) {
	case 1:
		memcpy(to, &u8, sizeof(u8));
		break;
	case 2:
		memcpy(to, &u16, sizeof(u16));
		break;
	case 4:
		memcpy(to, &u32, sizeof(u32));
		break;
	default:
		memcpy(to, &value, sizeof(value));
		break;
	}
}

/* ---- packing ---- */

static void integer_pack(struct link_writer *writer, const struct field *field, const void *from)
{
	uint64_t value = integer_load(from, field->size);

	if (value < field->min || value > field->max) {
		link_writer_fail(writer, -EINVAL);
		return;
	}
	switch (field->size) {
	case 1:
		link_put_u8(writer, (uint8_t)value);
		break;
	case 2:
		link_put_u16(writer, (uint16_t)value);
		break;
	case 4:
		link_put_u32(writer, (uint32_t)value);
		break;
	default:
		link_put_u64(writer, value);
		break;
	}
}

static void text_pack(struct link_writer *writer, const struct field *field, const char *text)
{
	if (strnlen(text, field->size) == field->size || !text_ok(field->kind, text))
		link_writer_fail(writer, -EINVAL);
	else
		link_put_string(writer, text, field->size);
}

static void list_pack(struct link_writer *writer, const struct field *field, const uint8_t *base)
{
	uint32_t count = (uint32_t)integer_load(base + field->count, sizeof(count));

	if (count > field->max) {
		link_writer_fail(writer, -EMSGSIZE);
		return;
	}
	link_put_u32(writer, count);
	for (size_t i = 0; i < count && writer->error == 0; i++)
		fields_pack(writer, field->rows, field->rows_count,
			    base + field->offset + i * field->stride);
}

static void data_pack(struct link_writer *writer, const struct field *field, const uint8_t *base)
{
	uint32_t len = (uint32_t)integer_load(base + field->count, sizeof(len));
	const uint8_t *data;

	memcpy(&data, base + field->offset, sizeof(data));
	if (len > field->max)
		link_writer_fail(writer, -EMSGSIZE);
	else if (len < field->min || (len > 0 && data == NULL))
		link_writer_fail(writer, -EINVAL);
	link_put_u32(writer, len);
	if (!writer->head)
		link_put_bytes(writer, data, len);
}

void fields_pack(struct link_writer *writer, const struct field *fields, size_t count,
		 const void *base)
{
	const uint8_t *at = base;

	for (const struct field *field = fields; field < fields + count; field++) {
		switch (field->kind) {
		case FIELD_INTEGER:
			integer_pack(writer, field, at + field->offset);
			break;
		case FIELD_BYTES:
			link_put_bytes(writer, at + field->offset, field->size);
			break;
		case FIELD_NAME:
		case FIELD_PROJECT:
		case FIELD_DISPLAY:
			text_pack(writer, field, (const char *)at + field->offset);
			break;
		case FIELD_LIST:
			list_pack(writer, field, at);
			break;
		case FIELD_DATA:
			data_pack(writer, field, at);
			break;
		case FIELD_WHEN:
			if (at[field->count] == field->min)
				fields_pack(writer, field->rows, field->rows_count, at);
			break;
		}
	}
}

/* ---- unpacking ---- */

static uint64_t integer_get(struct link_reader *reader, size_t size)
{
	switch (size) {
	case 1:
		return link_get_u8(reader);
	case 2:
		return link_get_u16(reader);
	case 4:
		return link_get_u32(reader);
	default:
		return link_get_u64(reader);
	}
}

static void integer_unpack(struct link_reader *reader, const struct field *field, void *to)
{
	uint64_t value = integer_get(reader, field->size);

	if (value < field->min || value > field->max)
		link_reader_fail(reader, -EBADMSG);
	else
		integer_store(to, field->size, value);
}

static void text_unpack(struct link_reader *reader, const struct field *field, char *to)
{
	link_get_string(reader, to, field->size);
	if (reader->error == 0 && !text_ok(field->kind, to))
		link_reader_fail(reader, -EBADMSG);
}

static void list_unpack(struct link_reader *reader, const struct field *field, uint8_t *base)
{
	uint32_t count = link_get_u32(reader);

	if (count > field->max) {
		link_reader_fail(reader, -EMSGSIZE);
		return;
	}
	integer_store(base + field->count, sizeof(count), count);
	for (size_t i = 0; i < count && reader->error == 0; i++)
		fields_unpack(reader, field->rows, field->rows_count,
			      base + field->offset + i * field->stride);
}

static void data_unpack(struct link_reader *reader, const struct field *field, uint8_t *base)
{
	uint32_t len = link_get_u32(reader);
	const uint8_t *data;

	if (len > field->max)
		link_reader_fail(reader, -EMSGSIZE);
	if (len < field->min)
		link_reader_fail(reader, -EBADMSG);
	data = link_get_view(reader, len);
	if (data == NULL)
		return;
	integer_store(base + field->count, sizeof(len), len);
	memcpy(base + field->offset, &data, sizeof(data));
}

void fields_unpack(struct link_reader *reader, const struct field *fields, size_t count, void *base)
{
	uint8_t *at = base;

	for (const struct field *field = fields; field < fields + count && reader->error == 0;
	     field++) {
		switch (field->kind) {
		case FIELD_INTEGER:
			integer_unpack(reader, field, at + field->offset);
			break;
		case FIELD_BYTES:
			link_get_bytes(reader, at + field->offset, field->size);
			break;
		case FIELD_NAME:
		case FIELD_PROJECT:
		case FIELD_DISPLAY:
			text_unpack(reader, field, (char *)at + field->offset);
			break;
		case FIELD_LIST:
			list_unpack(reader, field, at);
			break;
		case FIELD_DATA:
			data_unpack(reader, field, at);
			break;
		case FIELD_WHEN:
			if (at[field->count] == field->min)
				fields_unpack(reader, field->rows, field->rows_count, at);
			break;
		}
	}
}
