/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any blob: refused, or parts that lie inside it one after the other and pack to the same blob.
 * Then the same bytes travel through cut and join, in pieces that the bytes themselves choose.
 */
#include <stdlib.h>
#include <string.h>

#include "link/chunk.h"
#include "link/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void travel(const uint8_t *data, size_t size)
{
	struct link_budget budget = {0, 1 << 20};
	const struct link_chunk head = {.seq = 1, .session = 1, .epoch = 1};
	struct link_slice message = {NULL, 0};
	struct link_join *join = NULL;
	struct link_chunk chunk;
	struct link_cut cut;
	size_t i = 0;

	if (link_cut_start(&cut, &head, data, size) != 0)
		return;
	require(link_join_new(LINK_MESSAGE_MAX, &budget, &join) == 0);
	while (link_cut_next(&cut, 1u + data[i++ % size], &chunk) == 0)
		require(link_join_add(join, &chunk, &message) == 0);
	require(message.len == size && memcmp(message.data, data, size) == 0);
	link_join_free(join);
	require(budget.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link_parts parts;
	struct link_header header;
	uint8_t *buf;
	size_t len = 0;

	if (size < 65536)
		travel(data, size);
	if (link_parts_unpack(data, size, &parts) != 0)
		return 0;
	require(link_parts_size(&parts) == size);
	buf = malloc(size);
	require(buf != NULL && link_parts_pack(&parts, buf, size, &len) == 0);
	require(len == size && memcmp(buf, data, size) == 0);
	free(buf);
	link_parts_check(&parts);
	link_header_get(parts.part[LINK_HEADER], &header);
	link_header_get(parts.part[LINK_PARENT], &header);
	return 0;
}
