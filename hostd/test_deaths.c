/* SPDX-License-Identifier: Apache-2.0 */
/* How kernels ended: once an id, the oldest goes first, all when it is time; what the next finds. */
#include "hostd/deaths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "link/check.h"

static struct ipc_kernel dead(uint32_t id, int32_t status)
{
	struct ipc_kernel kernel;

	memset(&kernel, 0, sizeof(kernel));
	memcpy(kernel.kernel.kernel_id, &id, sizeof(id));
	kernel.kernel.incarnation = 1;
	kernel.kernel.state = LINK_KERNEL_DEAD;
	kernel.kernel.reason = LINK_WHY_EXITED;
	kernel.kernel.status = status;
	snprintf(kernel.environment, sizeof(kernel.environment), "lua");
	return kernel;
}

static void note(struct deaths *deaths, uint32_t id, int32_t status, uint64_t told_ms)
{
	const struct ipc_kernel kernel = dead(id, status);

	deaths_note(deaths, &kernel, told_ms);
}

/* How many there are, and the status of the one with this id; -1: it is not there. */
static uint32_t look(const struct deaths *deaths, uint32_t id, int32_t *ret_status)
{
	struct ipc_kernel kernel;
	uint32_t count = 0;
	uint32_t at = 0;

	*ret_status = -1;
	while (deaths_next(deaths, &at, &kernel)) {
		count++;
		if (memcmp(kernel.kernel.kernel_id, &id, sizeof(id)) == 0)
			*ret_status = kernel.kernel.status;
	}
	return count;
}

static void test_rows(struct check *check)
{
	const struct ipc_kernel two = dead(2, 0);
	struct deaths deaths;
	int32_t status;

	CHECK_EQ(check, deaths_new(&deaths), 0);
	CHECK_EQ(check, look(&deaths, 1, &status), 0);
	note(&deaths, 1, 3, 0);
	note(&deaths, 2, 4, 0);
	note(&deaths, 1, 5, 0);
	CHECK_EQ(check, look(&deaths, 1, &status), 2);
	CHECK_EQ(check, status, 5);
	deaths_forget(&deaths, two.kernel.kernel_id);
	deaths_forget(&deaths, two.kernel.kernel_id);
	CHECK_EQ(check, look(&deaths, 2, &status), 1);
	CHECK_EQ(check, status, -1);
	/* The first to go is the one that died first, and not the one noted again since. */
	for (uint32_t i = 0; i < DEATHS_MAX - 1; i++)
		note(&deaths, 100 + i, 0, 0);
	note(&deaths, 1, 6, 0);
	note(&deaths, 99, 7, 0);
	CHECK_EQ(check, look(&deaths, 100, &status), DEATHS_MAX);
	CHECK_EQ(check, status, -1);
	(void)look(&deaths, 1, &status);
	CHECK_EQ(check, status, 6);
	(void)look(&deaths, 99, &status);
	CHECK_EQ(check, status, 7);
	deaths_close(&deaths);
	CHECK_EQ(check, deaths.fd, -1);
}

/* Until somebody was there, and so long after that. */
static void test_time(struct check *check)
{
	struct deaths deaths;
	int32_t status;

	CHECK_EQ(check, deaths_new(&deaths), 0);
	note(&deaths, 1, 1, 0);
	note(&deaths, 2, 2, 1000);
	deaths_expire(&deaths, 1000 + DEATHS_MS);
	CHECK_EQ(check, look(&deaths, 1, &status), 2);
	deaths_expire(&deaths, 1001 + DEATHS_MS);
	CHECK_EQ(check, look(&deaths, 1, &status), 1);
	deaths_expire(&deaths, 100 * DEATHS_MS);
	CHECK_EQ(check, look(&deaths, 1, &status), 1);
	CHECK_EQ(check, status, 1);
	deaths_told(&deaths, 100 * DEATHS_MS);
	deaths_told(&deaths, 101 * DEATHS_MS);
	deaths_expire(&deaths, 101 * DEATHS_MS);
	CHECK_EQ(check, look(&deaths, 1, &status), 1);
	deaths_expire(&deaths, 101 * DEATHS_MS + 1);
	CHECK_EQ(check, look(&deaths, 1, &status), 0);
	deaths_close(&deaths);
}

/* What the next monitor finds: all of it, but for what none would have written. */
static void test_left(struct check *check)
{
	struct deaths deaths, left;
	struct ipc_kernel odd = dead(3, 0);
	int32_t status;

	CHECK_EQ(check, deaths_new(&deaths), 0);
	note(&deaths, 1, 1, 0);
	note(&deaths, 2, 2, 77);
	memset(odd.kernel.text, 'x', sizeof(odd.kernel.text));
	deaths_note(&deaths, &odd, 0);
	odd = dead(4, 0);
	memset(odd.project, 'x', sizeof(odd.project));
	deaths_note(&deaths, &odd, 0);
	odd = dead(5, 0);
	odd.kernel.state = LINK_KERNEL_READY;
	deaths_note(&deaths, &odd, 0);
	CHECK_EQ(check, look(&deaths, 5, &status), 5);
	CHECK_EQ(check, deaths_open(fcntl(deaths.fd, F_DUPFD_CLOEXEC, 0), &left), 0);
	CHECK_EQ(check, look(&left, 2, &status), 2);
	CHECK_EQ(check, status, 2);
	deaths_close(&left);
	deaths_close(&deaths);
}

static void test_not_one(struct check *check)
{
	struct deaths deaths, left;
	int fd = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint8_t was;

	CHECK_EQ(check, ftruncate(fd, 1 << 20), 0);
	CHECK_EQ(check, deaths_open(fd, &left), -EPROTO);
	CHECK_EQ(check, left.fd, -1);
	CHECK_EQ(check, deaths_new(&deaths), 0);
	CHECK_EQ(check, pread(deaths.fd, &was, 1, 0), 1);
	CHECK_EQ(check, pwrite(deaths.fd, "x", 1, 0), 1);
	fd = fcntl(deaths.fd, F_DUPFD_CLOEXEC, 0);
	CHECK_EQ(check, deaths_open(fd, &left), -EPROTO);
	CHECK(check, fcntl(fd, F_GETFD) < 0); /* it was taken */
	CHECK_EQ(check, pwrite(deaths.fd, &was, 1, 0), 1);
	CHECK_EQ(check, deaths_open(fcntl(deaths.fd, F_DUPFD_CLOEXEC, 0), &left), 0);
	deaths_close(&left);
	deaths_close(&deaths);
}

/* Without a file nothing is noted, and nothing breaks. */
static void test_none(struct check *check)
{
	const struct ipc_kernel one = dead(1, 0);
	struct deaths deaths = {.fd = -1};
	int32_t status;

	note(&deaths, 1, 1, 0);
	deaths_told(&deaths, 1);
	deaths_expire(&deaths, UINT64_MAX);
	deaths_forget(&deaths, one.kernel.kernel_id);
	CHECK_EQ(check, look(&deaths, 1, &status), 0);
	deaths_close(&deaths);
}

int main(void)
{
	struct check check = {0};

	test_rows(&check);
	test_time(&check);
	test_left(&check);
	test_not_one(&check);
	test_none(&check);
	return CHECK_DONE(&check);
}
