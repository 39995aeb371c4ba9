/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link/check.h"
#include "link/samples.h"
#include "link/wire.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static uint8_t buf[LINK_FRAME_MAX + 1], again[LINK_FRAME_MAX];

/* Unpacked from a buffer of exactly its length, so that a sanitizer sees a read past its end. */
static int unpack(const uint8_t *data, size_t len, struct link_frame *ret_frame)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	int error;

	memcpy(copy, data, len);
	error = link_frame_unpack(copy, len, ret_frame);
	free(copy);
	return error;
}

/* Every type: packs, measures the same, unpacks, packs to the same bytes; no shorter nor longer
 * frame is one. */
static void test_round(struct check *check, struct link_frame *frame, struct link_frame *got)
{
	for (size_t i = 0; i < sample_count(); i++) {
		size_t len = 0, len_again = 0;

		sample_frame(i, frame);
		check_row(check, link_type_name(frame->type));
		CHECK_EQ(check, link_frame_pack(frame, buf, sizeof(buf), &len), 0);
		CHECK_EQ(check, link_frame_size(frame), len);
		CHECK_EQ(check, link_frame_pack(frame, again, len - 1, &len_again), -ENOBUFS);
		CHECK_EQ(check, link_frame_unpack(buf, len, got), 0);
		CHECK_EQ(check, got->type, frame->type);
		CHECK_EQ(check, link_frame_pack(got, again, sizeof(again), &len_again), 0);
		CHECK(check, len == len_again && memcmp(buf, again, len) == 0);
		for (size_t cut = len > 300 ? len - 300 : 0; cut < len; cut++)
			CHECK(check, unpack(buf, cut, got) != 0);
		buf[len] = 0;
		CHECK_EQ(check, unpack(buf, len + 1, got), -EBADMSG);
	}
	check_row(check, NULL);
}

/* A head and the data behind it are the frame; of a frame that is no relay's there is none. */
static void test_head(struct check *check, struct link_frame *frame)
{
	for (size_t i = 0; i < sample_count(); i++) {
		size_t len = 0, head_len = 0, data_len = 0;

		sample_frame(i, frame);
		check_row(check, link_type_name(frame->type));
		CHECK_EQ(check, link_frame_pack(frame, buf, sizeof(buf), &len), 0);
		if (frame->type != LINK_OUT && frame->type != LINK_CURSOR &&
		    frame->type != LINK_REFUSED) {
			CHECK_EQ(check, link_frame_pack_head(frame, again, sizeof(again), &head_len),
				 -EINVAL);
			CHECK_EQ(check, head_len, 0);
			continue;
		}
		if (frame->type == LINK_OUT)
			data_len = frame->u.chunk.data_len;
		CHECK(check, len - data_len <= LINK_HEAD_MAX);
		CHECK_EQ(check, link_frame_pack_head(frame, again, len - data_len, &head_len), 0);
		CHECK_EQ(check, head_len + data_len, len);
		CHECK(check, memcmp(buf, again, head_len) == 0);
		CHECK_EQ(check, link_frame_pack_head(frame, again, head_len - 1, &head_len),
			 -ENOBUFS);
	}
	check_row(check, NULL);
}

/* A name of the greatest length. The field is zeroed before. */
static void fill(char name[LINK_NAME_MAX], char c)
{
	for (size_t i = 0; i < LINK_NAME_MAX - 1; i++)
		name[i] = c;
}

/* The largest frame of every kind fits LINK_FRAME_MAX: the tables' ceilings agree with it. */
static void test_largest(struct check *check, struct link_frame *frame)
{
	struct link_hello *hello = &frame->u.hello;
	size_t len = 0;

	memset(frame, 0, sizeof(*frame));
	frame->type = LINK_HELLO;
	fill(hello->name, 'n');
	fill(hello->version, 'v');
	fill(hello->build_id, 'b');
	hello->environments_count = LINK_ENVIRONMENTS_MAX;
	for (size_t i = 0; i < LINK_ENVIRONMENTS_MAX; i++) {
		fill(hello->environments[i].name, 'e');
		fill(hello->environments[i].display_name, 'e');
		fill(hello->environments[i].language, 'e');
		fill(hello->environments[i].version, 'e');
	}
	hello->missing_count = LINK_PROMISES_MAX;
	for (size_t i = 0; i < LINK_PROMISES_MAX; i++)
		fill(hello->missing[i], 'm');
	hello->timeline_count = LINK_STEPS_MAX;
	for (size_t i = 0; i < LINK_STEPS_MAX; i++)
		fill(hello->timeline[i].name, 't');
	hello->kernels_count = LINK_KERNELS_MAX;
	for (size_t i = 0; i < LINK_KERNELS_MAX; i++) {
		hello->kernels[i].state = LINK_KERNEL_READY;
		fill(hello->kernels[i].environment, 'e');
		fill(hello->kernels[i].project, 'p');
	}
	CHECK_EQ(check, link_frame_pack(frame, buf, LINK_FRAME_MAX, &len), 0);
	CHECK(check, len > 80 * 1024);
	CHECK_EQ(check, link_frame_unpack(buf, len, frame), 0);
	hello->kernels_count++;
	CHECK_EQ(check, link_frame_pack(frame, buf, LINK_FRAME_MAX, &len), -EMSGSIZE);
	CHECK_EQ(check, link_frame_size(frame), 0);
	CHECK_EQ(check, link_frame_unpack(buf, sizeof(buf), frame), -EMSGSIZE);
}

/* ---- frames broken one byte at a time ---- */

struct broken_row {
	const char *name;
	enum link_type type;
	size_t offset;
	uint8_t byte;
	int want;
};

/* Offsets are those of PROTOCOL.md, of the samples. */
static const struct broken_row broken_rows[] = {
	{"version 0", LINK_STATUS, 0, 0, -EPROTO},
	{"version 2", LINK_STATUS, 0, 2, -EPROTO},
	{"version 4", LINK_STATUS, 0, 4, -EPROTO},
	{"type 0", LINK_STATUS, 1, 0, -EPROTO},
	{"type 19", LINK_STATUS, 1, 19, -EPROTO},
	{"type 255", LINK_STATUS, 1, 255, -EPROTO},
	{"pressure over 100 %", LINK_STATUS, 2 + 8 + 12, 1, -EBADMSG},
	{"verb 0", LINK_REQUEST, 2 + 8, 0, -EBADMSG},
	{"verb 10", LINK_REQUEST, 2 + 8, 10, -EBADMSG},
	{"environment with a slash", LINK_REQUEST, 2 + 8 + 1 + 16 + 1, '/', -EBADMSG},
	{"environment with a dot first", LINK_REQUEST, 2 + 8 + 1 + 16 + 1, '.', -EBADMSG},
	{"environment with a NUL", LINK_REQUEST, 2 + 8 + 1 + 16 + 2, 0, -EBADMSG},
	{"environment empty", LINK_REQUEST, 2 + 8 + 1 + 16, 0, -EBADMSG},
	{"code unknown", LINK_RESULT, 2 + 8 + 1, 13, -EBADMSG},
	{"text with an escape", LINK_RESULT, 2 + 8 + 2 + 4 + 4 + 4, 0x1b, -EBADMSG},
	{"text not UTF-8", LINK_RESULT, 2 + 8 + 2 + 4 + 4 + 4, 0xff, -EBADMSG},
	{"text over the ceiling", LINK_RESULT, 2 + 8 + 2 + 4 + 4, 1, -EMSGSIZE},
	{"state 0", LINK_KERNEL, 2 + 16 + 4, 0, -EBADMSG},
	{"state 5", LINK_KERNEL, 2 + 16 + 4, 5, -EBADMSG},
	{"reason 11", LINK_KERNEL, 2 + 16 + 5, 11, -EBADMSG},
	{"resume 2", LINK_ATTACH, 2 + 16 + 8, 2, -EBADMSG},
	{"credit over the window", LINK_ATTACH, 2 + 16 + 8 + 1 + 8, 1, -EBADMSG},
	{"detach with a value", LINK_DETACH, 2 + 16 + 8 + 7, 1, -EBADMSG},
	{"IN on iopub", LINK_IN, 2 + 16 + 4 + 24, LINK_IOPUB, -EBADMSG},
	{"channel 4", LINK_OUT, 2 + 16 + 4 + 24, LINK_CHANNELS, -EBADMSG},
	{"OUT with an epoch", LINK_OUT, 2 + 16 + 4 + 8 + 7, 1, -EBADMSG},
	{"total over the ceiling", LINK_IN, 2 + 16 + 4 + 24 + 1, 2, -EBADMSG},
	{"offset beyond the total", LINK_IN, 2 + 16 + 4 + 24 + 1 + 4, 1, -EBADMSG},
	{"data over the ceiling", LINK_IN, 2 + 16 + 4 + 24 + 1 + 8, 1, -EMSGSIZE},
	{"refused with ok", LINK_REFUSED, 2 + 16 + 8 + 8 + 1 + 1, 0, -EBADMSG},
	{"event 0", LINK_EVENT, 2 + 16 + 7, 0, -EBADMSG},
	{"epoch 0", LINK_WELCOME, 2 + 7, 0, -EBADMSG},
	{"ticket 0", LINK_WELCOME, 2 + 16 + 7, 0, -EBADMSG},
	{"verdict 0", LINK_VERDICT, 2, 0, -EBADMSG},
	{"verdict 6", LINK_VERDICT, 2, 6, -EBADMSG},
	{"enrolment without a name", LINK_ENROL, 2, 0, -EBADMSG},
	{"ack of ticket 0", LINK_JOIN_ACK, 2 + 7, 0, -EBADMSG},
};

static void sample_of(enum link_type type, struct link_frame *ret_frame)
{
	for (size_t i = 0; i < sample_count(); i++) {
		sample_frame(i, ret_frame);
		if (ret_frame->type == type)
			return;
	}
}

static void test_broken(struct check *check, struct link_frame *frame)
{
	for (size_t i = 0; i < COUNT_OF(broken_rows); i++) {
		const struct broken_row *row = &broken_rows[i];
		size_t len = 0;

		check_row(check, row->name);
		sample_of(row->type, frame);
		CHECK_EQ(check, link_frame_pack(frame, buf, sizeof(buf), &len), 0);
		CHECK(check, buf[row->offset] != row->byte);
		buf[row->offset] = row->byte;
		CHECK_EQ(check, unpack(buf, len, frame), row->want);
	}
	check_row(check, NULL);
}

/* ---- what cannot be packed ---- */

static void test_pack_refuses(struct check *check, struct link_frame *frame)
{
	size_t len = 0;

	sample_of(LINK_IN, frame);
	frame->u.chunk.epoch = 0;
	CHECK_EQ(check, link_frame_pack(frame, buf, sizeof(buf), &len), -EINVAL);
	sample_of(LINK_IN, frame);
	frame->u.chunk.offset = frame->u.chunk.total - 1;
	CHECK_EQ(check, link_frame_pack(frame, buf, sizeof(buf), &len), -EINVAL);
	sample_of(LINK_IN, frame);
	frame->u.chunk.data_len = LINK_CHUNK_MAX + 1;
	CHECK_EQ(check, link_frame_pack(frame, buf, sizeof(buf), &len), -EMSGSIZE);
	sample_of(LINK_OUT, frame);
	frame->u.chunk.session = 0;
	CHECK_EQ(check, link_frame_pack(frame, buf, sizeof(buf), &len), -EINVAL);
	sample_of(LINK_KERNEL, frame);
	memset(frame->u.kernel.text, 'a', sizeof(frame->u.kernel.text));
	CHECK_EQ(check, link_frame_pack(frame, buf, sizeof(buf), &len), -EINVAL);
	sample_of(LINK_EVENT, frame);
	strcpy(frame->u.event.kind, "a b");
	CHECK_EQ(check, link_frame_pack(frame, buf, sizeof(buf), &len), -EINVAL);
	memset(&frame->type, 0, sizeof(frame->type));
	CHECK_EQ(check, link_frame_pack(frame, buf, sizeof(buf), &len), -EPROTO);
	CHECK_EQ(check, link_frame_pack(frame, NULL, 0, &len), -ENOBUFS);
}

/* ---- strings ---- */

static void test_strings(struct check *check)
{
	static const char *const identifiers[] = {"a", "node-1", "3.11.2", "A_b", "_"};
	static const char *const others[] = {"", ".", "..", "-a", ".a",
						    "a b", "a/b", "\xc3\xa9", "a\n"};
	static const char *const displays[] = {"", "Python 3", "\xc3\xa9t\xc3\xa9", "<b>&\"'"};
	static const char *const controls[] = {"a\n", "\x1b[0m", "\x7f", "\xc2\x9b", "\xff",
						      "\xc2"};
	char longest[LINK_NAME_MAX + 1] = "";

	for (size_t i = 0; i < COUNT_OF(identifiers); i++)
		CHECK(check, link_identifier_ok(identifiers[i]));
	for (size_t i = 0; i < COUNT_OF(others); i++)
		CHECK(check, !link_identifier_ok(others[i]));
	for (size_t i = 0; i < COUNT_OF(displays); i++)
		CHECK(check, link_display_ok(displays[i]));
	for (size_t i = 0; i < COUNT_OF(controls); i++)
		CHECK(check, !link_display_ok(controls[i]));
	memset(longest, 'a', LINK_NAME_MAX - 1);
	CHECK(check, link_identifier_ok(longest));
	longest[LINK_NAME_MAX - 1] = 'a';
	CHECK(check, !link_identifier_ok(longest));
	CHECK(check, strcmp(link_type_name(LINK_EVENT_ACK), "EVENT_ACK") == 0);
	CHECK(check, strcmp(link_type_name((enum link_type)99), "?") == 0);
	CHECK(check, strcmp(link_code_name(LINK_E_TIMEOUT), "timeout") == 0);
	CHECK(check, strcmp(link_code_name((enum link_code)99), "?") == 0);
}

int main(void)
{
	struct check check = {0};
	struct link_frame *frame = calloc(1, sizeof(*frame)), *got = calloc(1, sizeof(*got));

	if (CHECK(&check, frame != NULL && got != NULL)) {
		test_round(&check, frame, got);
		test_head(&check, frame);
		test_largest(&check, frame);
		test_broken(&check, frame);
		test_pack_refuses(&check, frame);
	}
	test_strings(&check);
	free(frame);
	free(got);
	return CHECK_DONE(&check);
}
