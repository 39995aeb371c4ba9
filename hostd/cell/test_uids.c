/* SPDX-License-Identifier: Apache-2.0 */
/* Slots, against a procfs that the test makes itself in a temporary directory. */
#include "hostd/cell/uids.h"

#include "hostd/cell/util.h"
#include "link/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void add_process(int proc, const char *pid, unsigned long uid)
{
	char path[64], text[128];
	int fd;

	snprintf(text, sizeof(text), "Name:\tx\nUid:\t%lu\t%lu\t0\t0\nGid:\t0\n", uid, uid);
	snprintf(path, sizeof(path), "%s/status", pid);
	mkdirat(proc, pid, 0700);
	fd = openat(proc, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (write(fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

static void remove_process(int proc, const char *pid)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/status", pid);
	unlinkat(proc, path, 0);
	unlinkat(proc, pid, AT_REMOVEDIR);
}

static void test_live_ones_are_taken(struct check *check, int proc, struct uids *uids)
{
	unsigned slot = 0;

	add_process(proc, "10", 0);
	add_process(proc, "11", UIDS_CELL_BASE);
	add_process(proc, "12", UIDS_RELAY_BASE + 2);
	add_process(proc, "self", UIDS_CELL_BASE + 1); /* no number: no process */
	CHECK_EQ(check, uids_init(uids, proc), 0);
	CHECK_EQ(check, uids_take(uids, &slot), 0);
	CHECK_EQ(check, slot, 1);
	CHECK_EQ(check, uids_take(uids, &slot), 0);
	CHECK_EQ(check, slot, 3);
	CHECK_EQ(check, uids_cell(slot), 1000003);
	CHECK_EQ(check, uids_relay(slot), 20003);
}

/* Given back, a slot is the last to come again; and not while its uid runs. */
static void test_reuse(struct check *check, int proc, struct uids *uids)
{
	unsigned slot = 0;

	uids_give(uids, 1);
	uids_give(uids, 3);
	for (unsigned i = 4; i < CELL_SLOTS_MAX; i++) {
		CHECK_EQ(check, uids_take(uids, &slot), 0);
		CHECK_EQ(check, slot, i);
	}
	add_process(proc, "13", UIDS_RELAY_BASE + 1);
	CHECK_EQ(check, uids_take(uids, &slot), 0);
	CHECK_EQ(check, slot, 3);
	CHECK_EQ(check, uids_take(uids, &slot), -EUSERS);
	remove_process(proc, "13");
	CHECK_EQ(check, uids_take(uids, &slot), 0);
	CHECK_EQ(check, slot, 1);
	CHECK_EQ(check, uids_take(uids, &slot), -EUSERS);
}

int main(void)
{
	static const char *const processes[] = {"10", "11", "12", "self"};
	static struct uids uids;
	struct check check = {0};
	char path[] = "/tmp/test-uids-XXXXXX";
	int proc;

	if (!mkdtemp(path))
		return 1;
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_live_ones_are_taken(&check, proc, &uids);
	test_reuse(&check, proc, &uids);
	for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++)
		remove_process(proc, processes[i]);
	close(proc);
	rmdir(path);
	return CHECK_DONE(&check);
}
