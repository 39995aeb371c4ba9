/* SPDX-License-Identifier: Apache-2.0 */
/* Slots, against a procfs that the test makes itself in a temporary directory. */
#include "hostd/cell/uids.h"

#include "hostd/cell/util.h"
#include "link/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
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

/* The test's procfs has what the kernel's looks like with one object of each kind. */
static const struct {
	const char *path, *text;
	unsigned slot;
} objects[] = {
	{"sysvipc/shm",
	 "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  "
	 "cgid      atime      dtime      ctime                   rss                  swap\n"
	 "        -1          0   600                  4096   100   100      0 1000010 1000010 "
	 "1000010 1000010 0 0 1700000000 0 0\n",
	 10},
	/* Given away by its maker: who made it can still change it. */
	{"sysvipc/sem",
	 "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n"
	 "         0          1   600          1     0     0 1000011 1000011 0 1700000000\n",
	 11},
	{"sysvipc/msg",
	 "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid "
	 "     stime      rtime      ctime\n"
	 "         0          2   600          0          0     0     0     0 20012     0     0 0 "
	 "0 1700000000\n",
	 12},
};

static void write_object(int proc, size_t row, const char *text)
{
	int fd = openat(proc, objects[row].path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (write(fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

/* Each alone keeps its slot, and only as long as it is there. */
static void test_objects(struct check *check, int proc, struct uids *uids)
{
	unsigned slot = 0;

	mkdirat(proc, "sysvipc", 0700);
	for (size_t row = 0; row < sizeof(objects) / sizeof(objects[0]); row++) {
		check_row(check, objects[row].path);
		uids_give(uids, objects[row].slot);
		write_object(proc, row, objects[row].text);
		CHECK_EQ(check, uids_take(uids, &slot), -EUSERS);
		write_object(proc, row, "");
		CHECK_EQ(check, uids_take(uids, &slot), 0);
		CHECK_EQ(check, slot, objects[row].slot);
	}
	check_row(check, "objects as the monitor starts");
	write_object(proc, 0, objects[0].text);
	CHECK_EQ(check, uids_init(uids, proc), 0);
	for (unsigned i = 0; i < 12; i++)
		CHECK(check, uids_take(uids, &slot) == 0 && slot != objects[0].slot);
	for (size_t row = 0; row < sizeof(objects) / sizeof(objects[0]); row++)
		unlinkat(proc, objects[row].path, 0);
	unlinkat(proc, "sysvipc", AT_REMOVEDIR);
}

/* Real ones, given to a cell's uid: the kernel's own tables are read as meant. */
static void test_real_objects(struct check *check, struct uids *uids)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int shm = shmget(IPC_PRIVATE, 4096, 0600);
	int sem = semget(IPC_PRIVATE, 1, 0600);
	int msg = msgget(IPC_PRIVATE, 0600);
	struct shmid_ds shm_owner = {.shm_perm = {.uid = UIDS_CELL_BASE + 100, .mode = 0600}};
	struct semid_ds sem_owner = {.sem_perm = {.uid = UIDS_CELL_BASE + 101, .mode = 0600}};
	struct msqid_ds msg_owner = {.msg_perm = {.uid = UIDS_CELL_BASE + 102, .mode = 0600},
				     .msg_qbytes = 1024};

	check_row(check, "real objects");
	CHECK_EQ(check, shmctl(shm, IPC_SET, &shm_owner), 0);
	CHECK_EQ(check, semctl(sem, 0, IPC_SET, &sem_owner), 0);
	CHECK_EQ(check, msgctl(msg, IPC_SET, &msg_owner), 0);
	CHECK_EQ(check, uids_init(uids, proc), 0);
	for (unsigned slot = 100; slot < 104; slot++)
		CHECK_EQ(check, uids->taken[slot], slot < 103);
	shmctl(shm, IPC_RMID, NULL);
	semctl(sem, 0, IPC_RMID);
	msgctl(msg, IPC_RMID, NULL);
	CHECK_EQ(check, uids_init(uids, proc), 0);
	for (unsigned slot = 100; slot < 104; slot++)
		CHECK_EQ(check, uids->taken[slot], false);
	close(proc);
}

int main(void)
{
	static const char *const processes[] = {"10", "11", "12", "self"};
	static struct uids uids;
	struct check check = {0};
	char path[64];
	int proc;

	snprintf(path, sizeof(path), "%.32s/test-uids-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");

	if (!mkdtemp(path))
		return 1;
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_live_ones_are_taken(&check, proc, &uids);
	test_reuse(&check, proc, &uids);
	test_objects(&check, proc, &uids);
	if (geteuid() == 0) /* only root can give an object away */
		test_real_objects(&check, &uids);
	for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++)
		remove_process(proc, processes[i]);
	close(proc);
	rmdir(path);
	return CHECK_DONE(&check);
}
