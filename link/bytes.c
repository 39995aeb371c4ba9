/* SPDX-License-Identifier: Apache-2.0 */
#include "link/bytes.h"

#include <errno.h>
#include <string.h>

/* ---- reading ---- */

struct link_reader link_reader(const uint8_t *data, size_t len)
{
	return (struct link_reader){.data = data, .len = len};
}

void link_reader_fail(struct link_reader *reader, int error)
{
	if (reader->error == 0)
		reader->error = error;
}

const uint8_t *link_get_view(struct link_reader *reader, size_t len)
{
	const uint8_t *view;

	/* at <= len always, so the subtraction cannot wrap */
	if (reader->error == 0 && reader->len - reader->at < len)
		reader->error = -EBADMSG;
	if (reader->error != 0)
		return NULL;
	view = reader->data + reader->at;
	reader->at += len;
	return view;
}

static uint64_t get_integer(struct link_reader *reader, size_t width)
{
	const uint8_t *view = link_get_view(reader, width);
	uint64_t value = 0;

	if (view == NULL)
		return 0;
	for (size_t i = 0; i < width; i++)
		value = value << 8 | view[i];
	return value;
}

uint8_t link_get_u8(struct link_reader *reader)
{
	return (uint8_t)get_integer(reader, 1);
}

uint16_t link_get_u16(struct link_reader *reader)
{
	return (uint16_t)get_integer(reader, 2);
}

uint32_t link_get_u32(struct link_reader *reader)
{
	return (uint32_t)get_integer(reader, 4);
}

uint64_t link_get_u64(struct link_reader *reader)
{
	return get_integer(reader, 8);
}

int32_t link_get_i32(struct link_reader *reader)
{
	uint32_t bits = link_get_u32(reader);
	int32_t value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

void link_get_bytes(struct link_reader *reader, uint8_t *ret, size_t len)
{
	const uint8_t *view = link_get_view(reader, len);

	if (view == NULL)
		memset(ret, 0, len);
	else
		memcpy(ret, view, len);
}

void link_get_string(struct link_reader *reader, char *ret, size_t size)
{
	size_t len = link_get_u8(reader);
	const uint8_t *view;

	ret[0] = '\0';
	if (reader->error == 0 && len >= size)
		reader->error = -EMSGSIZE;
	view = link_get_view(reader, len);
	if (view == NULL)
		return;
	if (memchr(view, '\0', len) != NULL) {
		reader->error = -EBADMSG;
		return;
	}
	memcpy(ret, view, len);
	ret[len] = '\0';
}

int link_reader_end(const struct link_reader *reader)
{
	if (reader->error != 0)
		return reader->error;
	return reader->at == reader->len ? 0 : -EBADMSG;
}

/* ---- writing ---- */

struct link_writer link_writer(uint8_t *data, size_t size)
{
	return (struct link_writer){.data = data, .size = data == NULL ? SIZE_MAX : size};
}

void link_writer_fail(struct link_writer *writer, int error)
{
	if (writer->error == 0)
		writer->error = error;
}

void link_put_bytes(struct link_writer *writer, const uint8_t *data, size_t len)
{
	if (writer->error == 0 && writer->size - writer->at < len)
		writer->error = -ENOBUFS;
	if (writer->error != 0)
		return;
	if (writer->data != NULL && len > 0)
		memcpy(writer->data + writer->at, data, len);
	writer->at += len;
}

static void put_integer(struct link_writer *writer, uint64_t value, size_t width)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
	link_put_bytes(writer, bytes, width);
}

void link_put_u8(struct link_writer *writer, uint8_t value)
{
	put_integer(writer, value, 1);
}

void link_put_u16(struct link_writer *writer, uint16_t value)
{
	put_integer(writer, value, 2);
}

void link_put_u32(struct link_writer *writer, uint32_t value)
{
	put_integer(writer, value, 4);
}

void link_put_u64(struct link_writer *writer, uint64_t value)
{
	put_integer(writer, value, 8);
}

void link_put_i32(struct link_writer *writer, int32_t value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	link_put_u32(writer, bits);
}

void link_put_string(struct link_writer *writer, const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	if (len == size)
		link_writer_fail(writer, -EINVAL);
	if (len > UINT8_MAX)
		link_writer_fail(writer, -EMSGSIZE);
	if (writer->error != 0)
		return;
	link_put_u8(writer, (uint8_t)len);
	link_put_bytes(writer, (const uint8_t *)text, len);
}
