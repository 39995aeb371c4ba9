/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/usage.h"

#include "link/check.h"

#include <errno.h>
#include <string.h>

static const char io_stat[] =
	"253:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n"
	"254:0 rbytes=1048576 wbytes=4096 rios=17 wios=18446744073709551615 dbytes=0 dios=0\n"
	"254:00\n"
	"8:0 \n";

static const char pressure[] =
	"some avg10=0.00 avg60=0.00 avg300=0.00 total=1234567\n"
	"full avg10=99.00 avg60=12.34 avg300=1.00 total=89\n";

static void test_io(struct check *check)
{
	static const struct {
		const char *disk, *key;
		uint64_t value;
	} rows[] = {
		{"254:0", "rbytes", 1048576},
		{"254:0", "wbytes", 4096},
		{"254:0", "rios", 17},
		{"254:0", "wios", UINT64_MAX},
		{"253:0", "wios", 4},
		{"254:0", "ios", 0}, /* part of a word is none */
		{"254:00", "rbytes", 0},
		{"8:0", "rbytes", 0},
		{"4:0", "rbytes", 0},
		{"", "rbytes", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(check, rows[i].key);
		CHECK_EQ(check, usage_io_field(io_stat, rows[i].disk, rows[i].key), rows[i].value);
	}
	CHECK_EQ(check, usage_io_field("", "254:0", "rbytes"), 0);
}

static void test_pressure(struct check *check)
{
	CHECK_EQ(check, usage_pressure_total(pressure, "some"), 1234567);
	CHECK_EQ(check, usage_pressure_total(pressure, "full"), 89);
	CHECK_EQ(check, usage_pressure_total(pressure, "none"), 0);
	CHECK_EQ(check, usage_pressure_total("full total=5", "full"), 5);
	CHECK_EQ(check, usage_pressure_total("", "full"), 0);
}

static void test_disk(struct check *check)
{
	char disk[24];

	CHECK_EQ(check, usage_disk("/proc", disk, sizeof(disk)), -ENODEV);
	CHECK_EQ(check, usage_disk("/nowhere/at/all", disk, sizeof(disk)), -ENOENT);
}

int main(void)
{
	struct check check = {0};

	test_io(&check);
	test_pressure(&check);
	test_disk(&check);
	return CHECK_DONE(&check);
}
