/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/event_record.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "link/bytes.h"

#define MAGIC 0x41484a52u
#define HEAD_LEN 6u
#define SUM_LEN 8u
#define BODY_MAX (EVENT_RECORD_MAX - HEAD_LEN - SUM_LEN)

_Static_assert(crypto_shorthash_BYTES == SUM_LEN, "the format has room for this checksum");

static void checksum(const uint8_t *bytes, size_t len, uint8_t ret[SUM_LEN])
{
	static const uint8_t key[crypto_shorthash_KEYBYTES] = "journal";

	crypto_shorthash(ret, bytes, len, key);
}

size_t event_record_seal(const uint8_t *body, size_t body_len, uint8_t ret[EVENT_RECORD_MAX])
{
	struct link_writer writer = link_writer(ret, EVENT_RECORD_MAX - SUM_LEN);

	link_put_u32(&writer, MAGIC);
	link_put_u16(&writer, (uint16_t)body_len);
	link_put_bytes(&writer, body, body_len);
	if (writer.error != 0)
		return 0;
	checksum(ret, writer.at, ret + writer.at);
	return writer.at + SUM_LEN;
}

/* ---- bodies ---- */

static int event_ok(const struct link_event *event)
{
	return event->seq != 0 && link_identifier_ok(event->kind) &&
	       (event->project[0] == '\0' || link_identifier_ok(event->project)) &&
	       link_display_ok(event->text);
}

static void event_put(struct link_writer *writer, const struct link_event *event)
{
	link_put_bytes(writer, event->boot_id, sizeof(event->boot_id));
	link_put_u64(writer, event->seq);
	link_put_u64(writer, event->time_ms);
	link_put_bytes(writer, event->kernel_id, sizeof(event->kernel_id));
	link_put_string(writer, event->kind, sizeof(event->kind));
	link_put_string(writer, event->project, sizeof(event->project));
	link_put_string(writer, event->text, sizeof(event->text));
	if (!event_ok(event))
		link_writer_fail(writer, -EINVAL);
}

static void event_get(struct link_reader *reader, struct link_event *ret_event)
{
	link_get_bytes(reader, ret_event->boot_id, sizeof(ret_event->boot_id));
	ret_event->seq = link_get_u64(reader);
	ret_event->time_ms = link_get_u64(reader);
	link_get_bytes(reader, ret_event->kernel_id, sizeof(ret_event->kernel_id));
	link_get_string(reader, ret_event->kind, sizeof(ret_event->kind));
	link_get_string(reader, ret_event->project, sizeof(ret_event->project));
	link_get_string(reader, ret_event->text, sizeof(ret_event->text));
	if (reader->error == 0 && !event_ok(ret_event))
		link_reader_fail(reader, -EBADMSG);
}

static void mark_put(struct link_writer *writer, const struct event_mark *mark)
{
	link_put_u64(writer, mark->last);
	link_put_u64(writer, mark->acked);
	link_put_u64(writer, mark->dropped);
	if (mark->acked > mark->last)
		link_writer_fail(writer, -EINVAL);
}

static void mark_get(struct link_reader *reader, struct event_mark *ret_mark)
{
	ret_mark->last = link_get_u64(reader);
	ret_mark->acked = link_get_u64(reader);
	ret_mark->dropped = link_get_u64(reader);
	if (ret_mark->acked > ret_mark->last)
		link_reader_fail(reader, -EBADMSG);
}

/* ---- records ---- */

size_t event_record_pack(const struct event_record *record, uint8_t ret[EVENT_RECORD_MAX])
{
	uint8_t body[BODY_MAX];
	struct link_writer writer = link_writer(body, sizeof(body));

	link_put_u8(&writer, (uint8_t)record->kind);
	if (record->kind == EVENT_RECORD_EVENT)
		event_put(&writer, &record->event);
	else
		mark_put(&writer, &record->mark);
	return writer.error == 0 ? event_record_seal(body, writer.at, ret) : 0;
}

static int body_unpack(const uint8_t *body, size_t len, struct event_record *ret_record)
{
	struct link_reader reader = link_reader(body, len);
	uint8_t kind = link_get_u8(&reader);

	memset(ret_record, 0, sizeof(*ret_record));
	if (kind == EVENT_RECORD_EVENT) {
		ret_record->kind = EVENT_RECORD_EVENT;
		event_get(&reader, &ret_record->event);
	} else if (kind == EVENT_RECORD_MARK) {
		ret_record->kind = EVENT_RECORD_MARK;
		mark_get(&reader, &ret_record->mark);
	} else {
		link_reader_fail(&reader, -EBADMSG);
	}
	return link_reader_end(&reader) == 0 ? 0 : -EBADMSG;
}

int event_record_unpack(const uint8_t *bytes, size_t len, struct event_record *ret_record,
			size_t *ret_len)
{
	struct link_reader reader = link_reader(bytes, len);
	uint32_t magic = link_get_u32(&reader);
	uint16_t body_len = link_get_u16(&reader);
	const uint8_t *body;
	const uint8_t *sum;
	uint8_t own[SUM_LEN];

	if (magic != MAGIC || body_len > BODY_MAX)
		return -EBADMSG;
	body = link_get_view(&reader, body_len);
	sum = link_get_view(&reader, SUM_LEN);
	if (reader.error != 0)
		return -EBADMSG;
	checksum(bytes, HEAD_LEN + (size_t)body_len, own);
	if (memcmp(own, sum, SUM_LEN) != 0)
		return -EBADMSG;
	*ret_len = HEAD_LEN + (size_t)body_len + SUM_LEN;
	return body_unpack(body, body_len, ret_record);
}

size_t event_record_scan(const uint8_t *bytes, size_t len,
			 void (*each)(void *ctx, const struct event_record *record, size_t at,
				      size_t record_len),
			 void *ctx)
{
	struct event_record record;
	size_t damaged = 0;
	size_t record_len;
	size_t at = 0;

	while (at < len) {
		if (event_record_unpack(bytes + at, len - at, &record, &record_len) < 0) {
			at++;
			damaged++;
			continue;
		}
		each(ctx, &record, at, record_len);
		at += record_len;
	}
	return damaged;
}
