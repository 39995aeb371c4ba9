/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/audit.h"
#include "hostd/denials.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "link/check.h"

#define HEAD "audit(1700000000.123:45): auid=4294967295 uid=1000007 gid=1000007 ses=4294967295 "
#define TAIL " sig=0 arch=c000003e syscall=165 compat=0 ip=0x7f0123456789 code=0x50000"
#define GOOD HEAD "pid=12 comm=\"python3\" exe=\"/usr/bin/python3.11\"" TAIL

static void test_good(struct check *check)
{
	static const struct {
		const char *name, *text;
		struct audit_denial denial;
	} rows[] = {
		{"plain", GOOD, {1000007, 0xc000003e, 165, 0}},
		{"killed",
		 HEAD "pid=1 comm=\"x\" exe=\"/x\" sig=31 arch=40000003 syscall=20 compat=1 ip=0x1 "
		      "code=0x80000000",
		 {1000007, 0x40000003, 20, 31}},
		{"comm in hex", HEAD "pid=1 comm=20223D22 exe=2F612062" TAIL,
		 {1000007, 0xc000003e, 165, 0}},
		{"no exe", HEAD "pid=1 comm=\"a\" exe=(null)" TAIL, {1000007, 0xc000003e, 165, 0}},
		{"empty comm", HEAD "pid=1 comm=\"\" exe=\"/x\"" TAIL, {1000007, 0xc000003e, 165, 0}},
		{"a security module", HEAD "subj=unconfined:a pid=1 comm=\"a\" exe=\"/x\"" TAIL,
		 {1000007, 0xc000003e, 165, 0}},
		{"a comm that would be a field", HEAD "pid=1 comm=\"uid=0,sig=9\" exe=\"/x\"" TAIL,
		 {1000007, 0xc000003e, 165, 0}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct audit_denial denial = {0};

		check_row(check, rows[i].name);
		CHECK_EQ(check, audit_parse(rows[i].text, strlen(rows[i].text), &denial), 0);
		CHECK_EQ(check, denial.uid, rows[i].denial.uid);
		CHECK_EQ(check, denial.arch, rows[i].denial.arch);
		CHECK_EQ(check, denial.call, rows[i].denial.call);
		CHECK_EQ(check, denial.signal, rows[i].denial.signal);
	}
}

static void test_bad(struct check *check)
{
	static const char *const rows[] = {
		"",
		"audit",
		"type=1326 " GOOD,
		GOOD " ",
		GOOD "\n",
		HEAD TAIL,
		HEAD "pid=1 comm=\"a b\" exe=\"/x\"" TAIL,
		HEAD "pid=1 comm=\"a\"b\" exe=\"/x\"" TAIL,
		HEAD "pid=1 comm=\"a exe=\"/x\"" TAIL,
		HEAD "pid=1 comm=ABC exe=\"/x\"" TAIL,
		HEAD "pid=1 comm= exe=\"/x\"" TAIL,
		HEAD "pid=1 comm=\"a\" uid=0 exe=\"/x\"" TAIL,
		HEAD "pid=1  comm=\"a\" exe=\"/x\"" TAIL,
		HEAD "pid=-1 comm=\"a\" exe=\"/x\"" TAIL,
		"audit(1.1234:5): auid=1 uid=1 gid=1 ses=1 pid=1 comm=\"a\" exe=\"/x\"" TAIL,
		"audit(1.123:5): auid=1 uid=4294967296 gid=1 ses=1 pid=1 comm=\"a\" exe=\"/x\"" TAIL,
		HEAD "pid=1 comm=\"a\" exe=\"/x\" sig=65 arch=c000003e syscall=1 compat=0 ip=0x1 "
		     "code=0x1",
		HEAD "pid=1 comm=\"a\" exe=\"/x\" sig=0 arch=c000003e syscall=4294967295 compat=0 "
		     "ip=0x1 code=0x1",
		HEAD "pid=1 comm=\"a\" exe=\"/x\" sig=0 arch=c000003e syscall=-1 compat=0 ip=0x1 "
		     "code=0x1",
		HEAD "pid=1 comm=\"a\" exe=\"/x\" sig=0 arch=C000003E syscall=1 compat=0 ip=0x1 "
		     "code=0x1",
	};
	struct audit_denial denial = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(check, rows[i]);
		CHECK_EQ(check, audit_parse(rows[i], strlen(rows[i]), &denial), -EBADMSG);
	}
	check_row(check, "cut short");
	for (size_t len = 0; len < strlen(GOOD) - 4; len++)
		CHECK_EQ(check, audit_parse(GOOD, len, &denial), -EBADMSG);
	CHECK_EQ(check, denial.uid, 0);
}

/* ---- what of it is told ---- */

static unsigned told(struct denials *denials, uint64_t now, uint32_t *ret_count)
{
	struct audit_denial denial;
	uint32_t count;
	unsigned events = 0;

	*ret_count = 0;
	while (denials_next(denials, now, &denial, &count)) {
		events++;
		*ret_count += count;
	}
	return events;
}

static void test_again(struct check *check)
{
	const struct audit_denial mount = {.arch = 1, .call = 165};
	const struct audit_denial bpf = {.arch = 1, .call = 321};
	struct denials denials = {0};
	uint32_t count;

	check_row(check, "again");
	CHECK_EQ(check, told(&denials, 50000, &count), 0);
	denials_add(&denials, &mount);
	CHECK_EQ(check, told(&denials, 50000, &count), 1);
	CHECK_EQ(check, count, 1);
	for (int i = 0; i < 1000; i++)
		denials_add(&denials, &mount);
	CHECK_EQ(check, told(&denials, 59999, &count), 0);
	denials_add(&denials, &bpf);
	CHECK_EQ(check, told(&denials, 59999, &count), 1);
	CHECK_EQ(check, told(&denials, 60000, &count), 1);
	CHECK_EQ(check, count, 1000);
	CHECK_EQ(check, told(&denials, 90000, &count), 0);
}

/* A cell that tries everything: few events, no refusal uncounted. */
static void test_many(struct check *check)
{
	struct denials denials = {0};
	uint32_t count;
	uint32_t sum = 0;
	unsigned events = 0;

	check_row(check, "many");
	for (int call = 0; call < 1000; call++) {
		const struct audit_denial denial = {.arch = 1, .call = call};

		denials_add(&denials, &denial);
		denials_add(&denials, &denial);
		events += told(&denials, 100000, &count);
		sum += count;
	}
	CHECK_EQ(check, events, DENIALS_EVENTS);
	CHECK_EQ(check, denials.count, DENIALS_CALLS);
	for (uint64_t now = 100000; now < 200000; now += 500) {
		events += told(&denials, now, &count);
		sum += count;
	}
	CHECK_EQ(check, sum, 2000);
	CHECK(check, events <= DENIALS_CALLS + DENIALS_EVENTS);
}

int main(void)
{
	struct check check = {0};

	test_good(&check);
	test_bad(&check);
	test_again(&check);
	test_many(&check);
	return CHECK_DONE(&check);
}
