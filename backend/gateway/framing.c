/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/framing.h"

#include <errno.h>
#include <string.h>

#include "link/json_scan.h"

/* What the legacy writer adds around the dicts, generously; msg_id and msg_type are copies of
 * header members, so they are bounded by the header's length. */
#define LEGACY_AROUND 256u
#define OFFSETS_MAX (LINK_PARTS_MAX + 2u)

static const char *const CHANNEL_NAME[LINK_CHANNELS] = {
	[LINK_SHELL] = "shell",
	[LINK_CONTROL] = "control",
	[LINK_STDIN] = "stdin",
	[LINK_IOPUB] = "iopub",
};

const char *framing_channel_name(enum link_channel channel)
{
	return (unsigned)channel < LINK_CHANNELS ? CHANNEL_NAME[channel] : "?";
}

static int channel_of(const char *name, size_t len, enum link_channel *ret_channel)
{
	/* iopub only speaks, so it is not among those a client may name. */
	for (unsigned i = 0; i < LINK_IOPUB; i++) {
		if (strlen(CHANNEL_NAME[i]) == len && memcmp(CHANNEL_NAME[i], name, len) == 0) {
			*ret_channel = (enum link_channel)i;
			return 0;
		}
	}
	return -ENXIO;
}

static uint32_t be32(const uint8_t *data)
{
	return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static void put_be32(uint8_t *data, uint32_t value)
{
	data[0] = (uint8_t)(value >> 24);
	data[1] = (uint8_t)(value >> 16);
	data[2] = (uint8_t)(value >> 8);
	data[3] = (uint8_t)value;
}

static uint64_t le64(const uint8_t *data)
{
	uint64_t value = 0;

	for (int i = 7; i >= 0; i--)
		value = value << 8 | data[i];
	return value;
}

static void put_le64(uint8_t *data, uint64_t value)
{
	for (int i = 0; i < 8; i++, value >>= 8)
		data[i] = (uint8_t)value;
}

/* ---- parsing ---- */

/* Offsets may only go forward from `first` to `end`, so no part overlaps another. */
static int offsets_check(const uint64_t *offset, size_t count, uint64_t first, uint64_t end)
{
	if (offset[0] != first)
		return -EBADMSG;
	for (size_t i = 1; i < count; i++)
		if (offset[i] < offset[i - 1] || offset[i] > end)
			return -EBADMSG;
	return 0;
}

static struct link_slice or_empty_dict(struct link_slice value)
{
	static const uint8_t EMPTY[] = {'{', '}'};

	return value.data == NULL ? (struct link_slice){EMPTY, sizeof(EMPTY)} : value;
}

static int parse_json(const uint8_t *text, size_t len, struct framing_message *message)
{
	static const char *const NAMES[] = {"header", "parent_header", "metadata", "content",
					    "channel"};
	struct link_slice found[5];
	char channel[16];
	int r = json_members(text, len, NAMES, 5, found);

	if (r < 0)
		return r;
	if (found[0].data == NULL)
		return -EBADMSG;
	message->parts.part[LINK_HEADER] = found[0];
	for (unsigned i = LINK_PARENT; i < LINK_BUFFERS; i++)
		message->parts.part[i] = or_empty_dict(found[i]);
	message->parts.count = LINK_BUFFERS;
	/* Old clients name no channel and mean shell; null comes from one with the field unset. */
	if (found[4].data == NULL || json_kind_of(found[4]) == JSON_NULL) {
		message->channel = LINK_SHELL;
		return 0;
	}
	r = json_string_get(found[4], channel, sizeof(channel));
	if (r < 0)
		return r == -ENOBUFS ? -ENXIO : -EBADMSG;
	return channel_of(channel, strlen(channel), &message->channel);
}

static int parse_legacy_binary(const uint8_t *data, size_t len, struct framing_message *message)
{
	uint64_t offset[OFFSETS_MAX];
	uint32_t count;
	int r;

	if (len < 8)
		return -EBADMSG;
	count = be32(data);
	if (count < 1 || count > LINK_PARTS_MAX - LINK_BUFFERS + 1)
		return -EMSGSIZE;
	if (len < 4u * (count + 1u))
		return -EBADMSG;
	for (uint32_t i = 0; i < count; i++)
		offset[i] = be32(data + 4u * (i + 1u));
	offset[count] = len;
	r = offsets_check(offset, count + 1u, 4u * (count + 1u), len);
	if (r < 0)
		return r;
	r = parse_json(data + offset[0], (size_t)(offset[1] - offset[0]), message);
	if (r < 0)
		return r;
	for (uint32_t i = 1; i < count; i++)
		message->parts.part[message->parts.count++] = (struct link_slice){
			data + offset[i], (size_t)(offset[i + 1] - offset[i])};
	return 0;
}

static int parse_v1(const uint8_t *data, size_t len, struct framing_message *message)
{
	uint64_t offset[OFFSETS_MAX];
	uint64_t count;
	int r;

	if (len < 8)
		return -EBADMSG;
	count = le64(data);
	/* channel, four dicts, the end */
	if (count < 6)
		return -EBADMSG;
	if (count > LINK_PARTS_MAX + 2u)
		return -EMSGSIZE;
	if (len < 8u * (count + 1u))
		return -EBADMSG;
	for (uint64_t i = 0; i < count; i++)
		offset[i] = le64(data + 8u * (i + 1u));
	r = offsets_check(offset, (size_t)count, 8u * (count + 1u), len);
	if (r < 0)
		return r;
	if (offset[count - 1] != len)
		return -EBADMSG;
	r = channel_of((const char *)data + offset[0], (size_t)(offset[1] - offset[0]),
		       &message->channel);
	if (r < 0)
		return r;
	message->parts.count = 0;
	for (uint64_t i = 1; i + 1 < count; i++)
		message->parts.part[message->parts.count++] = (struct link_slice){
			data + offset[i], (size_t)(offset[i + 1] - offset[i])};
	return 0;
}

int framing_parse(enum framing framing, bool binary, const uint8_t *data, size_t len,
		  struct framing_message *ret_message)
{
	int r;

	if (len > FRAMING_MESSAGE_MAX)
		return -EMSGSIZE;
	if (len == 0)
		return -EBADMSG;
	if (framing == FRAMING_V1)
		r = binary ? parse_v1(data, len, ret_message) : -EBADMSG;
	else if (binary || data[0] == 0)
		r = parse_legacy_binary(data, len, ret_message);
	else
		r = parse_json(data, len, ret_message);
	if (r < 0)
		return r;
	r = link_parts_check(&ret_message->parts);
	if (r < 0)
		return r;
	r = link_header_get(ret_message->parts.part[LINK_HEADER], &ret_message->header);
	if (r < 0)
		return r;
	if (ret_message->header.msg_id[0] == '\0' || ret_message->header.msg_type[0] == '\0')
		return -EBADMSG;
	return link_parts_size(&ret_message->parts) == 0 ? -EMSGSIZE : 0;
}

/* ---- writing ---- */

size_t framing_bound(const struct link_parts *parts)
{
	size_t bound = LEGACY_AROUND + 8u * (parts->count + 3u) + parts->part[LINK_HEADER].len;

	for (uint32_t i = 0; i < parts->count; i++)
		bound += parts->part[i].len;
	return bound;
}

static uint8_t *put(uint8_t *at, const void *data, size_t len)
{
	if (len > 0)
		memcpy(at, data, len);
	return at + len;
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
	return put(at, text, strlen(text));
}

static uint8_t *put_slice(uint8_t *at, struct link_slice slice)
{
	return put(at, slice.data, slice.len);
}

/* A kernel's null parent becomes {}: clients read members of it without asking. */
static struct link_slice parent_of(const struct link_parts *parts)
{
	struct link_slice parent = parts->part[LINK_PARENT];

	if (parent.len == 0 || json_kind_of(parent) == JSON_NULL)
		return or_empty_dict((struct link_slice){NULL, 0});
	return parent;
}

static int put_json(uint8_t **at, enum link_channel channel, const struct link_parts *parts)
{
	static const char *const NAMES[] = {"msg_id", "msg_type"};
	static const uint8_t EMPTY[] = {'"', '"'};
	struct link_slice found[2];
	int r = json_members(parts->part[LINK_HEADER].data, parts->part[LINK_HEADER].len, NAMES, 2,
			     found);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < 2; i++)
		if (found[i].data == NULL)
			found[i] = (struct link_slice){EMPTY, sizeof(EMPTY)};
	*at = put_text(*at, "{\"header\":");
	*at = put_slice(*at, parts->part[LINK_HEADER]);
	*at = put_text(*at, ",\"msg_id\":");
	*at = put_slice(*at, found[0]);
	*at = put_text(*at, ",\"msg_type\":");
	*at = put_slice(*at, found[1]);
	*at = put_text(*at, ",\"parent_header\":");
	*at = put_slice(*at, parent_of(parts));
	*at = put_text(*at, ",\"metadata\":");
	*at = put_slice(*at, parts->part[LINK_METADATA]);
	*at = put_text(*at, ",\"content\":");
	*at = put_slice(*at, parts->part[LINK_CONTENT]);
	*at = put_text(*at, ",\"buffers\":[],\"channel\":\"");
	*at = put_text(*at, framing_channel_name(channel));
	*at = put_text(*at, "\"}");
	return 0;
}

static int write_legacy(enum link_channel channel, const struct link_parts *parts, uint8_t *buf,
			size_t *ret_len, bool *ret_binary)
{
	uint32_t count = parts->count - LINK_BUFFERS + 1;
	uint8_t *at = buf;
	int r;

	*ret_binary = count > 1;
	if (*ret_binary) {
		put_be32(buf, count);
		put_be32(buf + 4, 4u * (count + 1u));
		at += 4u * (count + 1u);
	}
	r = put_json(&at, channel, parts);
	if (r < 0)
		return r;
	for (uint32_t i = 1; i < count; i++) {
		put_be32(buf + 4u * (i + 1u), (uint32_t)(at - buf));
		at = put_slice(at, parts->part[LINK_BUFFERS + i - 1]);
	}
	*ret_len = (size_t)(at - buf);
	return 0;
}

static int write_v1(enum link_channel channel, const struct link_parts *parts, uint8_t *buf,
		    size_t *ret_len, bool *ret_binary)
{
	uint64_t count = parts->count + 2u;
	uint8_t *at = buf + 8u * (count + 1u);

	put_le64(buf, count);
	put_le64(buf + 8, (uint64_t)(at - buf));
	at = put_text(at, framing_channel_name(channel));
	for (uint32_t i = 0; i < parts->count; i++) {
		put_le64(buf + 8u * (i + 2u), (uint64_t)(at - buf));
		at = put_slice(at, i == LINK_PARENT ? parent_of(parts) : parts->part[i]);
	}
	put_le64(buf + 8u * count, (uint64_t)(at - buf));
	*ret_len = (size_t)(at - buf);
	*ret_binary = true;
	return 0;
}

int framing_write(enum framing framing, enum link_channel channel, const struct link_parts *parts,
		  uint8_t *buf, size_t size, size_t *ret_len, bool *ret_binary)
{
	if (size < framing_bound(parts) || parts->count < LINK_BUFFERS)
		return -ENOBUFS;
	if (framing == FRAMING_V1)
		return write_v1(channel, parts, buf, ret_len, ret_binary);
	return write_legacy(channel, parts, buf, ret_len, ret_binary);
}
