/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of messages (x86-64 and aarch64 are both little-endian). */
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

#include "conf/test.h"
#include "netlink/message.h"
#include "netlink/nft.h"

static void test_bytes(void)
{
	static const uint8_t expected[] = {
		/* length, type, flags (REQUEST | ACK), sequence, port; then the head, padded */
		56, 0, 0, 0, 0x34, 0x12, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0,
		/* a string of 3 and its NUL; a u32; a nest with a be32 */
		8, 0, 1, 0, 'a', 'b', 'c', 0,
		8, 0, 2, 0, 1, 0, 0, 0,
		20, 0, 3, 0x80, 8, 0, 4, 0, 0, 0, 0, 2, 6, 0, 5, 0, 'x', 'y', 0, 0,
	};
	const uint8_t head = 9;
	struct nl nl;

	nl_init(&nl);
	nl_begin(&nl, 0x1234, NLM_F_ACK, &head, 1);
	nl_put_string(&nl, 1, "abc");
	nl_put_u32(&nl, 2, 1);
	nl_nest(&nl, 3);
	nl_put_be32(&nl, 4, 2);
	nl_put(&nl, 5, "xy", 2);
	nl_unnest(&nl);
	nl_end(&nl);
	CHECK(!nl.full && nl.depth == 0 && nl.len == sizeof(expected));
	CHECK(memcmp(nl.bytes, expected, sizeof(expected)) == 0);
}

static void test_full(void)
{
	static const uint8_t block[NL_BYTES_MAX / 4];
	struct nl nl;

	nl_init(&nl);
	nl_begin(&nl, 1, 0, NULL, 0);
	for (int i = 0; i < 3; i++)
		nl_put(&nl, 1, block, sizeof(block));
	CHECK(!nl.full);
	nl_put(&nl, 1, block, sizeof(block)); /* its header no longer fits beside the data */
	CHECK(nl.full && nl.len <= NL_BYTES_MAX);
	nl_nest(&nl, 2);
	nl_unnest(&nl);
	nl_ask(&nl);
	nl_end(&nl);
	CHECK(nl.full && nl.len <= NL_BYTES_MAX);

	nl_init(&nl);
	for (unsigned i = 0; i <= NL_NESTS_MAX; i++)
		nl_nest(&nl, 1);
	CHECK(nl.full);

	nft_begin(&nl, "t");
	CHECK(!nl.full);
	nft_match_iifname(&nl, "a-name-of-16-byt");
	CHECK(nl.full);
}

static size_t answer(uint8_t *bytes, uint32_t len, uint16_t type, uint32_t seq, int32_t error)
{
	struct nlmsghdr message = {.nlmsg_len = len, .nlmsg_type = type, .nlmsg_seq = seq};

	memcpy(bytes, &message, sizeof(message));
	memcpy(bytes + sizeof(message), &error, sizeof(error));
	return sizeof(message) + sizeof(error);
}

static void test_answers(void)
{
	uint8_t bytes[128];
	bool last = false;
	int error = 0;
	size_t len;

	len = answer(bytes, 20, NLMSG_ERROR, 3, -EEXIST);
	CHECK(nl_answers(bytes, len, 4, &error, &last) == 0 && error == -EEXIST && !last);
	len += answer(bytes + len, 20, NLMSG_ERROR, 4, -EPERM);
	error = 0;
	CHECK(nl_answers(bytes, len, 4, &error, &last) == 0 && error == -EEXIST && last);

	error = 0, last = false;
	len = answer(bytes, 20, NLMSG_DONE, 4, -EPERM);
	CHECK(nl_answers(bytes, len, 4, &error, &last) == 0 && error == 0 && !last);
	CHECK(nl_answers(bytes, 0, 4, &error, &last) == 0);
	CHECK(nl_answers(bytes, 15, 4, &error, &last) == -EBADMSG);
	answer(bytes, 21, NLMSG_ERROR, 4, 0);
	CHECK(nl_answers(bytes, 20, 4, &error, &last) == -EBADMSG);
	answer(bytes, 16, NLMSG_ERROR, 4, 0);
	CHECK(nl_answers(bytes, 16, 4, &error, &last) == -EBADMSG);
	answer(bytes, 0, NLMSG_ERROR, 4, 0);
	CHECK(nl_answers(bytes, 20, 4, &error, &last) == -EBADMSG);
	answer(bytes, 20, NLMSG_ERROR, 4, 1);
	CHECK(nl_answers(bytes, 20, 4, &error, &last) == -EBADMSG);
}

static void note(void *ctx, uint16_t type, const uint8_t *body, size_t len)
{
	unsigned *sum = ctx;

	*sum = *sum * 100 + type * 10 + (unsigned)len;
}

static void test_dump(void)
{
	struct nl nl;
	bool done = false;
	int error = 0;
	unsigned sum = 0;
	size_t len;

	nl_init(&nl);
	nl_begin(&nl, 17, 0, "head", 4);
	nl_end(&nl);
	nl_begin(&nl, 18, 0, NULL, 0);
	nl_end(&nl);
	CHECK(nl_messages(nl.bytes, nl.len, note, &sum, &error, &done) == 0);
	CHECK(sum == (170 + 4) * 100 + 180 && !done && error == 0);
	len = nl.len + answer(nl.bytes + nl.len, 20, NLMSG_DONE, 1, -ENOENT);
	CHECK(nl_messages(nl.bytes, len, note, &sum, &error, &done) == 0 && done);
	CHECK(error == -ENOENT);
	CHECK(nl_messages(nl.bytes, nl.len + 3, note, &sum, &error, &done) == -EBADMSG);
	answer(nl.bytes + nl.len, 20, NLMSG_ERROR, 1, 7);
	CHECK(nl_messages(nl.bytes, len, note, &sum, &error, &done) == -EBADMSG);
}

static void test_attributes(void)
{
	/* Of types 1 (two bytes), 0x8002 (nested, of one of type 3), then one that is cut off. */
	static const uint8_t bytes[] = {6, 0, 1, 0, 'a', 'b', 0, 0, 9, 0, 2, 0x80, 5,
					0, 3, 0, 'c', 0, 0, 0, 9, 0, 4, 0, 'd'};
	size_t len = 0;
	const uint8_t *at = nl_attribute(bytes, sizeof(bytes), 1, &len);

	CHECK(at == bytes + 4 && len == 2);
	at = nl_attribute(bytes, sizeof(bytes), 2, &len);
	CHECK(at == bytes + 12 && len == 5);
	CHECK(at && nl_attribute(at, len, 3, &len) == bytes + 16 && len == 1);
	CHECK(nl_attribute(bytes, sizeof(bytes), 3, &len) == NULL);
	CHECK(nl_attribute(bytes, sizeof(bytes), 4, &len) == NULL);
	CHECK(nl_attribute(bytes, 0, 1, &len) == NULL);
}

int main(void)
{
	test_bytes();
	test_full();
	test_answers();
	test_dump();
	test_attributes();
	return TEST_RESULT();
}
