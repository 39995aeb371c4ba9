/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/deaths.h"

#include <string.h>

#include "hostd/memfile.h"

/* number is 0 while it is written: a monitor that is killed then leaves none. */
struct death {
	uint64_t number; /* the smallest died first; 0: none */
	uint64_t told_ms;
	struct ipc_kernel kernel;
};

struct deaths_file {
	struct memfile_head head;
	struct death rows[DEATHS_MAX];
};

static const struct memfile_head head = {
	.magic = 0x7368746165646e61ull,
	.version = 1,
	.row_size = sizeof(struct death),
};

/* ---- the file ---- */

/* What no monitor would have noted. */
static bool is_odd(const struct ipc_kernel *body)
{
	return body->kernel.state != LINK_KERNEL_DEAD || body->kernel.reason > LINK_WHY_STALLED ||
	       !memchr(body->kernel.text, '\0', sizeof(body->kernel.text)) ||
	       !memchr(body->environment, '\0', sizeof(body->environment)) ||
	       !memchr(body->project, '\0', sizeof(body->project));
}

int deaths_new(struct deaths *ret_deaths)
{
	void *at;
	int r;

	*ret_deaths = (struct deaths){.fd = -1};
	r = memfile_new("deaths", &head, sizeof(struct deaths_file), &ret_deaths->fd, &at);
	if (r == 0)
		ret_deaths->file = at;
	return r;
}

int deaths_open(int fd, struct deaths *ret_deaths)
{
	struct deaths_file *file;
	void *at;
	int r = memfile_open(fd, &head, sizeof(*file), &at);

	*ret_deaths = (struct deaths){.fd = -1};
	if (r < 0)
		return r;
	file = at;
	for (uint32_t i = 0; i < DEATHS_MAX; i++)
		if (is_odd(&file->rows[i].kernel))
			file->rows[i].number = 0;
	*ret_deaths = (struct deaths){.fd = fd, .file = file};
	return 0;
}

void deaths_close(struct deaths *deaths)
{
	if (deaths->fd >= 0)
		memfile_close(deaths->fd, deaths->file, sizeof(*deaths->file));
	*deaths = (struct deaths){.fd = -1};
}

/* ---- rows ---- */

static struct death *row_of(const struct deaths *deaths, uint32_t i)
{
	return &deaths->file->rows[i];
}

static uint32_t count_of(const struct deaths *deaths)
{
	return deaths->fd < 0 ? 0 : DEATHS_MAX;
}

static struct death *find(const struct deaths *deaths, const uint8_t id[LINK_ID_LEN])
{
	for (uint32_t i = 0; i < count_of(deaths); i++)
		if (row_of(deaths, i)->number != 0 &&
		    memcmp(row_of(deaths, i)->kernel.kernel.kernel_id, id, LINK_ID_LEN) == 0)
			return row_of(deaths, i);
	return NULL;
}

void deaths_note(struct deaths *deaths, const struct ipc_kernel *kernel, uint64_t told_ms)
{
	struct death *row = find(deaths, kernel->kernel.kernel_id);
	struct death *oldest = row;
	uint64_t newest = 0;

	for (uint32_t i = 0; i < count_of(deaths); i++) {
		if (row_of(deaths, i)->number > newest)
			newest = row_of(deaths, i)->number;
		if (!row && (!oldest || row_of(deaths, i)->number < oldest->number))
			oldest = row_of(deaths, i);
	}
	if (!oldest)
		return;
	__atomic_store_n(&oldest->number, 0, __ATOMIC_SEQ_CST);
	oldest->told_ms = told_ms;
	oldest->kernel = *kernel;
	__atomic_store_n(&oldest->number, newest + 1, __ATOMIC_SEQ_CST);
}

void deaths_forget(struct deaths *deaths, const uint8_t id[LINK_ID_LEN])
{
	struct death *row = find(deaths, id);

	if (row)
		row->number = 0;
}

void deaths_told(struct deaths *deaths, uint64_t now_ms)
{
	for (uint32_t i = 0; i < count_of(deaths); i++)
		if (row_of(deaths, i)->told_ms == 0)
			row_of(deaths, i)->told_ms = now_ms;
}

void deaths_expire(struct deaths *deaths, uint64_t now_ms)
{
	for (uint32_t i = 0; i < count_of(deaths); i++) {
		struct death *row = row_of(deaths, i);

		if (row->number != 0 && row->told_ms != 0 && now_ms - row->told_ms > DEATHS_MS)
			row->number = 0;
	}
}

bool deaths_next(const struct deaths *deaths, uint32_t *at, struct ipc_kernel *ret_kernel)
{
	while (*at < count_of(deaths)) {
		const struct death *row = row_of(deaths, (*at)++);

		if (row->number == 0)
			continue;
		*ret_kernel = row->kernel;
		return true;
	}
	return false;
}
