/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/test.h"
#include "init/backoff.h"
#include "init/lease.h"

static void test_good(void)
{
	static const struct {
		const char *text;
		struct lease lease;
	} rows[] = {
		{"address = 10.0.2.15\nsubnet = 255.255.255.0\nrouter = 10.0.2.2\nlease = 86400\n",
		 {0x0a00020f, 24, 0x0a000202, 86400}},
		{"address = 10.0.2.15\nsubnet = 255.255.255.0\nrouter = 10.0.2.2 10.0.2.3\nlease = 1\n",
		 {0x0a00020f, 24, 0x0a000202, 60}},
		{"address = 10.0.2.15\nsubnet = 255.255.255.255\nrouter = 192.0.2.1\nlease = 4294967295",
		 {0x0a00020f, 32, 0xc0000201, 86400}},
		{"address = 10.0.2.14\nsubnet = 255.255.255.254\nlease = 600", {0x0a00020e, 31, 0, 600}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct conf_error e;
		struct lease l;

		CHECK_ROW(lease_parse(rows[i].text, strlen(rows[i].text), &l, &e) == 0, rows[i].text);
		CHECK_ROW(l.address == rows[i].lease.address && l.bits == rows[i].lease.bits,
			  rows[i].text);
		CHECK_ROW(l.router == rows[i].lease.router && l.seconds == rows[i].lease.seconds,
			  rows[i].text);
	}
}

#define SUBNET "\nsubnet = 255.255.255.0\n"

static void test_bad(void)
{
	static const char *const rows[] = {
		"",
		"address = 10.0.2.15\nlease = 60",
		"subnet = 255.255.255.0\nlease = 60",
		"address = 10.0.2.15" SUBNET,
		"address = 10.0.2.0" SUBNET "lease = 60",
		"address = 10.0.2.255" SUBNET "lease = 60",
		"address = 0.0.0.0" SUBNET "lease = 60",
		"address = 127.0.0.1" SUBNET "lease = 60",
		"address = 224.0.0.1" SUBNET "lease = 60",
		"address = 255.255.255.255" SUBNET "lease = 60",
		"address = 10.0.2.15\nsubnet = 0.0.0.0\nlease = 60",
		"address = 10.0.2.15\nsubnet = 255.0.255.0\nlease = 60",
		"address = 10.0.2.15" SUBNET "lease = -1",
		"address = 10.0.2.15" SUBNET "lease = 4294967296",
		"address = 10.0.2.15" SUBNET "lease = 60\nrouter = 10.0.2.15",
		"address = 10.0.2.15" SUBNET "lease = 60\nrouter = 127.0.0.1",
		"address = 10.0.2.15" SUBNET "lease = 60\nrouter = 10.0.2.2,10.0.2.3",
		"address = 10.0.2.15" SUBNET "lease = 60\nrouter = $(reboot)",
		"address = 10.0.2.15" SUBNET "lease = 60\naddress = 10.0.2.16",
		"address = 10.0.2.15" SUBNET "lease = 60\nhostname = x",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct conf_error e;
		struct lease l = {.seconds = 7};

		CHECK_ROW(lease_parse(rows[i], strlen(rows[i]), &l, &e) == -EINVAL, rows[i]);
		CHECK_ROW(l.seconds == 7, rows[i]);
	}
}

static void test_long(void)
{
	char text[LEASE_MAX + 1];
	struct conf_error e;
	struct lease l;

	memset(text, '\n', sizeof(text));
	CHECK(lease_parse(text, sizeof(text), &l, &e) == -EFBIG);
	CHECK(lease_parse(text, LEASE_MAX, &l, &e) == -EINVAL);
}

static void test_backoff(void)
{
	static const uint32_t waits[] = {100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000,
					 30000};
	struct backoff b = {.first_ms = 100, .max_ms = 30000, .stable_ms = 60000};

	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++)
		CHECK(backoff_wait(&b, 59999) == waits[i]);
	CHECK(backoff_wait(&b, 60000) == 100);
	CHECK(backoff_wait(&b, 0) == 200);
	CHECK(backoff_wait(&b, UINT64_MAX) == 100);
}

int main(void)
{
	test_good();
	test_bad();
	test_long();
	test_backoff();
	return TEST_RESULT();
}
