/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk's bytes as a journal: what is taken for an event is one. The checksum hides bodies from
 * a fuzzer, so the input is read twice: as a file, and as the body of a sealed record.
 */
#include <stdlib.h>
#include <string.h>

#include "hostd/event_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written back to the same bytes: a record has one form. */
static void same(const struct event_record *record, const uint8_t *bytes, size_t len)
{
	uint8_t again[EVENT_RECORD_MAX];

	if (event_record_pack(record, again) != len || memcmp(again, bytes, len) != 0)
		abort();
}

struct seen {
	const uint8_t *bytes;
	size_t end;
	size_t taken;
};

static void each(void *ctx, const struct event_record *record, size_t at, size_t len)
{
	struct seen *seen = ctx;

	if (at < seen->end)
		abort();
	seen->end = at + len;
	seen->taken += len;
	same(record, seen->bytes + at, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1); /* no longer than it is: a byte beyond is found */
	struct seen seen = {.bytes = bytes};
	uint8_t sealed[EVENT_RECORD_MAX];
	struct event_record record;
	size_t len;
	size_t sealed_len;

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	if (event_record_scan(bytes, size, each, &seen) + seen.taken != size)
		abort();
	sealed_len = event_record_seal(data, size < 65536 ? size : 65535, sealed);
	if (sealed_len > 0 && event_record_unpack(sealed, sealed_len, &record, &len) == 0) {
		if (len != sealed_len)
			abort();
		same(&record, sealed, len);
	}
	free(bytes);
	return 0;
}
