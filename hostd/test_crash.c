/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a kernel's last words. */
#include <errno.h>
#include <string.h>

#include "hostd/crash.h"
#include "link/check.h"

static const char panic[] =
	"Panic#1 Part1\n"
	"<4>[    0.100000] Oops: an older one\n"
	"<6>[    1.000000] one\n<6>[    1.100000] two\n<6>[    1.200000] three\n"
	"<3>[    1.450480] device-mapper: verity: 254:1: data block 40 is corrupted\n"
	"<0>[    1.451019] Kernel panic - not syncing: dm-verity device corrupted\n"
	"<4>[    1.451406] CPU: 0 UID: 0 PID: 31 Comm: kworker/0:1H \x1b[2J\n"
	"<4>[    1.452003] Call Trace:\n"
	"<4>[    1.452191]  0xffffffff9a56854f\n"
	"<4>[    1.452348]  ? 0xffffffff9a5667b8\n"
	"<4>[    1.452621]  </TASK>\n"
	"<0>[    1.453098] Kernel Offset: 0x18e00000\n";

static void test_panic(struct check *check)
{
	struct crash crash;

	CHECK_EQ(check, crash_read(panic, strlen(panic), &crash), 0);
	CHECK(check, strcmp(crash.cause, "Kernel panic - not syncing: dm-verity device corrupted") ==
			     0);
	CHECK_EQ(check, crash.count, 9);
	CHECK(check, strcmp(crash.lines[0], "one") == 0);
	CHECK(check, strcmp(crash.lines[3], "device-mapper: verity: 254:1: data block 40 is "
					    "corrupted") == 0);
	CHECK(check, strcmp(crash.lines[4], "CPU: 0 UID: 0 PID: 31 Comm: kworker/0:1H ?[2J") == 0);
	CHECK(check, strcmp(crash.lines[6], "0xffffffff9a56854f ? 0xffffffff9a5667b8") == 0);
	CHECK(check, strcmp(crash.lines[8], "Kernel Offset: 0x18e00000") == 0);
}

/* Cut anywhere, or with any byte changed: lines within bounds, or none. */
static void test_pieces(struct check *check)
{
	static char text[16 * 1024];
	struct crash crash;
	size_t len = strlen(panic);

	CHECK_EQ(check, crash_read("", 0, &crash), -ENODATA);
	CHECK_EQ(check, crash_read("\n\n\n", 3, &crash), -ENODATA);
	CHECK_EQ(check, crash_read("<6>[ 1.0] words\n", 16, &crash), 0);
	CHECK(check, crash.count == 1 && strcmp(crash.lines[0], "words") == 0);
	CHECK(check, strcmp(crash.cause, "for no cause that it named") == 0);
	for (size_t cut = 1; cut < len; cut++) {
		CHECK_EQ(check, crash_read(panic, cut, &crash), 0);
		CHECK(check, crash.cause[0] != '\0' && crash.count <= CRASH_LINES_MAX);
	}
	/* What only begins like an address is a line, made printable. */
	CHECK_EQ(check, crash_read("0xffffffff9a56854f\n0xffffffff\xff\x01" "56854f\n", 38, &crash), 0);
	CHECK(check, crash.count == 2 && strcmp(crash.lines[1], "0xffffffff??56854f") == 0);
	/* A line far over a text's length, a trace far over a line's. */
	memset(text, 'x', sizeof(text));
	CHECK_EQ(check, crash_read(text, sizeof(text), &crash), 0);
	CHECK_EQ(check, strlen(crash.lines[0]), LINK_TEXT_MAX - 1);
	for (size_t at = 0; at + 19 <= sizeof(text); at += 19)
		memcpy(text + at, "0xffffffff9a56854f\n", 19);
	CHECK_EQ(check, crash_read(text, sizeof(text) / 19 * 19, &crash), 0);
	CHECK(check, crash.count == 1 && strlen(crash.lines[0]) < LINK_TEXT_MAX);
}

int main(void)
{
	struct check check = {0};

	test_panic(&check);
	test_pieces(&check);
	return CHECK_DONE(&check);
}
