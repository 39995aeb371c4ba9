/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that the last monitor left. The input is read as a record, which is written and read
 * back; and it is laid over the file where its first two bytes say, as by a write that was cut
 * short: what is then read is one of the two that were written, or nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostd/memfile.h"
#include "hostd/state.h"

#define HEAD_LEN sizeof(struct memfile_head)
#define COPY_LEN (16u + sizeof(struct state_record))
#define PLACE 0u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct state state = {.fd = -1};
static uint8_t fresh[HEAD_LEN + 2 * COPY_LEN]; /* the file's beginning when it is new */

static void start(void)
{
	if (state.fd < 0 && (state_new(&state) < 0 ||
			     pread(state.fd, fresh, sizeof(fresh), 0) != (ssize_t)sizeof(fresh)))
		abort();
	if (pwrite(state.fd, fresh, sizeof(fresh), 0) != (ssize_t)sizeof(fresh))
		abort();
}

static bool same(const struct state_record *one, const struct state_record *other)
{
	return memcmp(one, other, sizeof(*one)) == 0;
}

/* What a monitor would go on with is in range. */
static void judge(const struct state_record *record)
{
	if (state_problem(record))
		return;
	if (strlen(record->limits.environment) >= LINK_NAME_MAX ||
	    strlen(record->limits.project) >= LINK_NAME_MAX ||
	    strlen(record->key) != IPC_HMAC_LEN || record->cell.slot >= CELL_SLOTS_MAX ||
	    record->limits.egress.rules_count > LINK_EGRESS_RULES_MAX ||
	    record->incarnation == 0)
		abort();
}

static void damage(const uint8_t *data, size_t size)
{
	size_t at = size < 2 ? 0 : ((size_t)data[0] << 8 | data[1]) % sizeof(fresh);
	size_t len = size < 2 ? 0 : size - 2;

	if (len > sizeof(fresh) - at)
		len = sizeof(fresh) - at;
	if (len > 0 && pwrite(state.fd, data + 2, len, (off_t)at) != (ssize_t)len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct state_record first, second, found;
	struct state left;

	start();
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	first.incarnation = 1;
	memcpy(&second, data, size < sizeof(second) ? size : sizeof(second));
	judge(&second);
	state_write(&state, PLACE, &first);
	state_write(&state, PLACE, &second);
	if (!state_read(&state, PLACE, &found) || !same(&found, &second))
		abort();
	damage(data, size);
	if (state_open(dup(state.fd), &left) < 0)
		return 0;
	if (state_read(&left, PLACE, &found) && !same(&found, &first) && !same(&found, &second))
		abort();
	state_clear(&left, PLACE);
	if (state_read(&state, PLACE, &found))
		abort();
	state_close(&left);
	return 0;
}
