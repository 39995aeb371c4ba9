/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "conf/test.h"
#include "conf/value.h"

static void test_numbers(void)
{
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "01", "00", "0x1", "1.0",
					  "4294967296", "99999999999999999999999"};
	uint64_t u64 = 7;
	uint32_t u32 = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_ROW(value_u32(bad[i], 0, UINT32_MAX, &u32) != 0 && u32 == 7, bad[i]);
	CHECK(value_u32("0", 0, 9, &u32) == 0 && u32 == 0);
	CHECK(value_u32("0", 1, 9, &u32) != 0 && value_u32("10", 1, 9, &u32) != 0);
	CHECK(value_u32("4294967295", 0, UINT32_MAX, &u32) == 0 && u32 == UINT32_MAX);
	CHECK(value_u64("18446744073709551615", 0, UINT64_MAX, &u64) == 0 && u64 == UINT64_MAX);
	CHECK(value_u64("18446744073709551616", 0, UINT64_MAX, &u64) != 0);
}

static void test_words(void)
{
	uint8_t bytes[2] = {0};
	char name[5];

	CHECK(value_hex("0aff", bytes, 2) == 0 && bytes[0] == 0x0a && bytes[1] == 0xff);
	CHECK(value_hex("0AFF", bytes, 2) != 0 && value_hex("0af", bytes, 2) != 0);
	CHECK(value_hex("0aff0", bytes, 2) != 0 && value_hex("0a f", bytes, 2) != 0);
	CHECK(value_hex("", bytes, 0) == 0);
	CHECK(value_name("a-9z", name, 5) == 0 && strcmp(name, "a-9z") == 0);
	CHECK(value_name("a-9zz", name, 5) != 0 && value_name("", name, 5) != 0);
	CHECK(value_name("-a", name, 5) != 0 && value_name("A", name, 5) != 0);
	CHECK(value_name("a/b", name, 5) != 0 && value_name("..", name, 5) != 0);
}

static void test_addresses(void)
{
	static const char *const bad[] = {"",	     "1.2.3",	"1.2.3.4.5", "1.2.3.256", "01.2.3.4",
					  "1.2.3.4 ", " 1.2.3.4", "1.2.3.",    "1..3.4",    "a.b.c.d",
					  "1.2.3.-4", "0x1.2.3.4", "16909060"};
	struct ipv4_endpoint e;
	struct ipv4_prefix p;
	uint32_t a = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_ROW(value_ipv4(bad[i], &a) != 0, bad[i]);
	CHECK(value_ipv4("10.0.2.255", &a) == 0 && a == 0x0a0002ff);
	CHECK(value_ipv4_prefix("10.0.2.15/24", &p) == 0 && p.address == 0x0a00020f && p.bits == 24);
	CHECK(value_ipv4_prefix("0.0.0.0/0", &p) == 0 && value_ipv4_prefix("1.2.3.4/32", &p) == 0);
	CHECK(value_ipv4_prefix("1.2.3.4", &p) != 0 && value_ipv4_prefix("1.2.3.4/33", &p) != 0);
	CHECK(value_ipv4_prefix("1.2.3.4/", &p) != 0 && value_ipv4_prefix("1.2.3.4/024", &p) != 0);
	CHECK(value_ipv4_endpoint("1.2.3.4:1", &e) == 0 && e.address == 0x01020304 && e.port == 1);
	CHECK(value_ipv4_endpoint("1.2.3.4:65535", &e) == 0 && e.port == 65535);
	CHECK(value_ipv4_endpoint("1.2.3.4:0", &e) != 0 && value_ipv4_endpoint("1.2.3.4", &e) != 0);
	CHECK(value_ipv4_endpoint("1.2.3.4:65536", &e) != 0);
	CHECK(value_ipv4_endpoint("1.2.3.4:80/", &e) != 0 && value_ipv4_endpoint(":80", &e) != 0);
}

static void test_masks(void)
{
	char text[IPV4_TEXT_MAX];

	CHECK(ipv4_mask(0) == 0 && ipv4_mask(24) == 0xffffff00 && ipv4_mask(32) == UINT32_MAX);
	CHECK(ipv4_mask_bits(0xffffff00) == 24 && ipv4_mask_bits(0) == 0);
	CHECK(ipv4_mask_bits(UINT32_MAX) == 32 && ipv4_mask_bits(0xff00ff00) == -1);
	CHECK(ipv4_is_host(0x0a000202) && ipv4_is_host(0x7f000001) && !ipv4_is_host(0x00000001));
	CHECK(!ipv4_is_host(0xe0000001) && !ipv4_is_host(UINT32_MAX));
	ipv4_format(UINT32_MAX, text);
	CHECK(strcmp(text, "255.255.255.255") == 0);
	ipv4_format(0x0a000202, text);
	CHECK(strcmp(text, "10.0.2.2") == 0);
}

int main(void)
{
	test_numbers();
	test_words();
	test_addresses();
	test_masks();
	return TEST_RESULT();
}
