/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both framings on any bytes. What is accepted must be within the frame, must be sound to pass
 * on, and must read back the same after it was written.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct link_parts *a, const struct link_parts *b)
{
	assert(a->count == b->count);
	for (uint32_t i = 0; i < a->count; i++) {
		/* A null parent is written as an empty dict. */
		if (i == LINK_PARENT && a->part[i].len == 4)
			continue;
		assert(a->part[i].len == b->part[i].len);
		assert(a->part[i].len == 0 ||
		       memcmp(a->part[i].data, b->part[i].data, a->part[i].len) == 0);
	}
}

static void round_trip(enum framing framing, const struct framing_message *message)
{
	size_t bound = framing_bound(&message->parts), len;
	uint8_t *buf = malloc(bound);
	struct framing_message again;
	bool binary;

	if (buf == NULL)
		return;
	assert(framing_write(framing, message->channel, &message->parts, buf, bound, &len,
			     &binary) == 0);
	assert(len <= bound);
	assert(framing_parse(framing, binary, buf, len, &again) == 0);
	assert(again.channel == message->channel);
	same(&message->parts, &again.parts);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct framing_message message;
	uint8_t mode = size > 0 ? data[0] : 0;
	enum framing framing = (mode & 1) ? FRAMING_V1 : FRAMING_LEGACY;

	if (size == 0 || framing_parse(framing, (mode & 2) != 0, data + 1, size - 1, &message) < 0)
		return 0;
	assert(link_parts_size(&message.parts) > 0);
	round_trip(FRAMING_LEGACY, &message);
	round_trip(FRAMING_V1, &message);
	return 0;
}
