/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's records: what is read back, what a cut write leaves, what is not believed. */
#include "hostd/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostd/memfile.h"
#include "link/check.h"

/* As state.c has it, behind the file's head. */
struct copy {
	uint64_t number, sum;
	struct state_record record;
};

static struct copy *copy_of(const struct state *state, uint32_t index, unsigned which)
{
	return (struct copy *)((struct memfile_head *)(void *)state->file + 1) + index * 2 + which;
}

static struct state_record good(uint32_t incarnation)
{
	struct state_record record;

	memset(&record, 0, sizeof(record));
	memset(record.id, 7, sizeof(record.id));
	strcpy(record.limits.environment, "lua");
	record.limits.network = LINK_NET_LOOPBACK;
	record.incarnation = incarnation;
	record.state = LINK_KERNEL_READY;
	record.runs = 1;
	memset(record.key, 'a', IPC_HMAC_LEN);
	return record;
}

static void test_read_back(struct check *check)
{
	struct state_record record, found;
	struct state state;

	CHECK_EQ(check, state_new(&state), 0);
	CHECK(check, !state_read(&state, 0, &found));
	for (uint32_t i = 1; i <= 5; i++) {
		record = good(i);
		state_write(&state, 3, &record);
		CHECK(check, state_read(&state, 3, &found));
		CHECK_EQ(check, found.incarnation, i);
	}
	CHECK(check, !state_read(&state, 2, &found) && !state_read(&state, 4, &found));
	record = good(9);
	state_write(&state, LINK_KERNELS_MAX - 1, &record);
	CHECK(check, state_read(&state, LINK_KERNELS_MAX - 1, &found));
	state_clear(&state, 3);
	CHECK(check, !state_read(&state, 3, &found));
	/* The key is in neither place any more. */
	for (unsigned i = 0; i < 2; i++)
		CHECK_EQ(check, copy_of(&state, 3, i)->record.key[0], 0);
	state_close(&state);
	CHECK_EQ(check, state.fd, -1);
}

/* Whatever byte of the newer one is not as it was written, the one before counts. */
static void test_cut(struct check *check)
{
	struct state_record record, found;
	struct state state;
	struct copy *newer;

	CHECK_EQ(check, state_new(&state), 0);
	for (uint32_t i = 1; i <= 2; i++) {
		record = good(i);
		state_write(&state, 0, &record);
	}
	newer = copy_of(&state, 0, copy_of(&state, 0, 0)->record.incarnation == 2 ? 0 : 1);
	CHECK_EQ(check, newer->record.incarnation, 2);
	for (size_t i = 0; i < sizeof(newer->record); i += 13) {
		((uint8_t *)&newer->record)[i] ^= 1;
		CHECK(check, state_read(&state, 0, &found) && found.incarnation == 1);
		((uint8_t *)&newer->record)[i] ^= 1;
	}
	newer->number = 0;
	CHECK(check, state_read(&state, 0, &found) && found.incarnation == 1);
	newer->number = 1000; /* a sum of another number */
	CHECK(check, state_read(&state, 0, &found) && found.incarnation == 1);
	memset(newer - (newer == copy_of(&state, 0, 0) ? 0 : 1), 0xff, 2 * sizeof(*newer));
	CHECK(check, !state_read(&state, 0, &found));
	state_close(&state);
}

enum harm { NOTHING, MAGIC, VERSION, SIZE };

static void test_files(struct check *check)
{
	static const struct {
		const char *name;
		enum harm harm;
		int result;
	} rows[] = {
		{"as it was left", NOTHING, 0},
		{"another magic", MAGIC, -EPROTO},
		{"another version", VERSION, -EPROTO},
		{"records of another size", SIZE, -EPROTO},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct state_record record = good(4);
		struct state state, other;
		struct memfile_head *head;
		int fd;

		check_row(check, rows[i].name);
		CHECK_EQ(check, state_new(&state), 0);
		state_write(&state, 1, &record);
		head = (void *)state.file;
		head->magic += rows[i].harm == MAGIC;
		head->version += rows[i].harm == VERSION;
		head->row_size += rows[i].harm == SIZE;
		fd = dup(state.fd);
		CHECK_EQ(check, state_open(fd, &other), rows[i].result);
		if (rows[i].result == 0)
			CHECK(check, state_read(&other, 1, &record) && record.incarnation == 4);
		else
			CHECK(check, fcntl(fd, F_GETFD) < 0 && other.fd == -1);
		state_close(&other);
		state_close(&state);
	}
	check_row(check, NULL);
}

/* What is no file of ours at all; the descriptor is taken in any case. */
static void test_other_files(struct check *check)
{
	struct state state, other;
	struct stat st;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	CHECK_EQ(check, state_open(fd, &other), -EPROTO);
	CHECK(check, fcntl(fd, F_GETFD) < 0);
	CHECK_EQ(check, state_new(&state), 0);
	CHECK(check, fstat(state.fd, &st) == 0);
	CHECK(check, ftruncate(state.fd, 0) < 0 && errno == EPERM);
	state_close(&state);
	/* Of the right size, but it could be cut short below the mapping. */
	fd = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	CHECK_EQ(check, ftruncate(fd, st.st_size), 0);
	CHECK_EQ(check, state_open(fd, &other), -EPROTO);
	fd = memfd_create("short", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	CHECK_EQ(check, ftruncate(fd, st.st_size - 1), 0);
	CHECK_EQ(check, fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	CHECK_EQ(check, state_open(fd, &other), -EPROTO);
}

static void test_problems(struct check *check)
{
	struct state_record record;

#define ROW(what, change, bad)                                    \
	do {                                                      \
		check_row(check, what);                           \
		record = good(1);                                 \
		change;                                           \
		CHECK_EQ(check, state_problem(&record) != NULL, bad); \
	} while (0)

	ROW("good", (void)0, 0);
	ROW("no incarnation", record.incarnation = 0, 1);
	ROW("no state", record.state = 0, 1);
	ROW("a state beyond", record.state = LINK_KERNEL_DEAD + 1, 1);
	ROW("a goal beyond", record.goal = STATE_GOAL_STOP + 1, 1);
	ROW("a reason beyond", record.reason = LINK_WHY_STALLED + 1, 1);
	ROW("a relay's phase", record.relay = 3, 1);
	ROW("dead, and runs", record.state = LINK_KERNEL_DEAD, 1);
	ROW("lives, and does not run", record.runs = 0, 1);
	ROW("dead", (record.state = LINK_KERNEL_DEAD, record.runs = 0), 0);
	ROW("no key", record.key[0] = '\0', 1);
	ROW("a key of other letters", record.key[5] = 'G', 1);
	ROW("a key without an end", record.key[IPC_HMAC_LEN] = 'a', 1);
	ROW("a name without an end", memset(record.limits.environment, 'a', LINK_NAME_MAX), 1);
	ROW("a project without an end", memset(record.limits.project, 'a', LINK_NAME_MAX), 1);
	ROW("a network", record.limits.network = LINK_NET_EGRESS + 1, 1);
	ROW("more rules than there may be", record.limits.egress.rules_count = 1000, 1);
	ROW("a gateway", record.owed_gateway = IPC_GATEWAYS_MAX, 1);
	ROW("the last gateway", record.owed_gateway = IPC_GATEWAYS_MAX - 1, 0);
	ROW("a slot", record.cell.slot = CELL_SLOTS_MAX, 1);
	ROW("the last slot", record.cell.slot = CELL_SLOTS_MAX - 1, 0);
	check_row(check, NULL);
#undef ROW
}

int main(void)
{
	struct check check = {0};

	test_read_back(&check);
	test_cut(&check);
	test_files(&check);
	test_other_files(&check);
	test_problems(&check);
	return CHECK_DONE(&check);
}
