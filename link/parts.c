/* SPDX-License-Identifier: Apache-2.0 */
#include "link/parts.h"

#include <errno.h>
#include <string.h>

#include "link/json_scan.h"

int link_parts_unpack(const uint8_t *blob, size_t len, struct link_parts *ret_parts)
{
	struct link_reader lengths, bytes;
	uint32_t count;

	if (len > LINK_MESSAGE_MAX)
		return -EMSGSIZE;
	lengths = link_reader(blob, len);
	count = link_get_u32(&lengths);
	if (lengths.error != 0 || count < LINK_PARTS_MIN)
		return -EBADMSG;
	if (count > LINK_PARTS_MAX)
		return -EMSGSIZE;
	bytes = lengths;
	link_get_view(&bytes, (size_t)count * sizeof(uint32_t));
	for (uint32_t i = 0; i < count; i++) {
		ret_parts->part[i].len = link_get_u32(&lengths);
		ret_parts->part[i].data = link_get_view(&bytes, ret_parts->part[i].len);
	}
	ret_parts->count = count;
	return link_reader_end(&bytes) == 0 ? 0 : -EBADMSG;
}

size_t link_parts_size(const struct link_parts *parts)
{
	size_t size = sizeof(uint32_t) * ((size_t)parts->count + 1);

	if (parts->count < LINK_PARTS_MIN || parts->count > LINK_PARTS_MAX)
		return 0;
	for (uint32_t i = 0; i < parts->count; i++) {
		if (parts->part[i].len > LINK_MESSAGE_MAX)
			return 0; /* before adding, so that the sum cannot wrap */
		size += parts->part[i].len;
	}
	return size > LINK_MESSAGE_MAX ? 0 : size;
}

int link_parts_pack(const struct link_parts *parts, uint8_t *buf, size_t size, size_t *ret_len)
{
	struct link_writer writer = link_writer(buf, size);

	if (link_parts_size(parts) == 0)
		return -EMSGSIZE;
	if (buf == NULL)
		return -ENOBUFS;
	link_put_u32(&writer, parts->count);
	for (uint32_t i = 0; i < parts->count; i++)
		link_put_u32(&writer, (uint32_t)parts->part[i].len);
	for (uint32_t i = 0; i < parts->count; i++)
		link_put_bytes(&writer, parts->part[i].data, parts->part[i].len);
	if (writer.error == 0)
		*ret_len = writer.at;
	return writer.error;
}

int link_parts_check(const struct link_parts *parts)
{
	for (uint32_t i = 0; i < LINK_BUFFERS; i++) {
		enum json_kind kind;
		int error = json_check(parts->part[i].data, parts->part[i].len, &kind);

		if (error != 0)
			return error;
		if (kind != JSON_OBJECT && !(i == LINK_PARENT && kind == JSON_NULL))
			return -EBADMSG;
	}
	return 0;
}

static int header_string(struct link_slice value, char *ret, size_t size)
{
	if (value.data == NULL || json_kind_of(value) == JSON_NULL)
		return 0;
	return json_string_get(value, ret, size) == 0 ? 0 : -EBADMSG;
}

int link_header_get(struct link_slice json, struct link_header *ret_header)
{
	static const char *const names[] = {"msg_id", "msg_type", "session"};
	struct link_slice value[3];
	enum json_kind kind;
	int error;

	memset(ret_header, 0, sizeof(*ret_header));
	error = json_members(json.data, json.len, names, 3, value);
	if (error != 0)
		return json_check(json.data, json.len, &kind) == 0 && kind == JSON_NULL ? 0 : error;
	if (error == 0)
		error = header_string(value[0], ret_header->msg_id, sizeof(ret_header->msg_id));
	if (error == 0)
		error = header_string(value[1], ret_header->msg_type, sizeof(ret_header->msg_type));
	if (error == 0)
		error = header_string(value[2], ret_header->session, sizeof(ret_header->session));
	return error;
}
