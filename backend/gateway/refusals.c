/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/refusals.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/clock.h"
#include "backend/gateway/log.h"
#include "link/wire.h"

#define ADDRESS_MAX 64u

static const char *const KIND[REFUSAL_KINDS] = {
	[REFUSAL_KEY] = "refused.key",
	[REFUSAL_WEAK] = "refused.weak",
	[REFUSAL_SILENT] = "refused.silent",
	[REFUSAL_STRANGER] = "refused.stranger",
	[REFUSAL_SECRET] = "refused.secret",
	[REFUSAL_BUSY] = "refused.busy",
	[REFUSAL_TICKET] = "refused.ticket",
	[REFUSAL_REVOKED] = "refused.revoked",
	[REFUSAL_LOCKED] = "refused.locked",
	[REFUSAL_HANDSHAKE] = "refused.handshake",
	[REFUSAL_FRAME] = "refused.frame",
	[REFUSAL_NAME] = "refused.name",
	[REFUSAL_KERNEL] = "refused.kernel",
	[REFUSAL_MESSAGE] = "refused.message",
	[REFUSAL_TOKEN] = "refused.token",
	[REFUSAL_FORBIDDEN] = "refused.forbidden",
};

struct row {
	bool used;
	enum refusal kind;
	char address[ADDRESS_MAX];
	uint64_t first_ms;
	uint64_t more; /* after the first */
};

struct refusals {
	struct store *store;
	uint8_t boot_id[16]; /* of this process: with seq the events' key */
	uint64_t seq;
	unsigned tokens; /* events that may go out now */
	uint64_t filled_ms;
	uint64_t others; /* refusals that have no row */
	uint64_t others_ms;
	struct row rows[REFUSALS_MAX];
};

struct refusals *refusals_new(struct store *store)
{
	struct refusals *refusals = calloc(1, sizeof(*refusals));

	if (refusals == NULL)
		return NULL;
	refusals->store = store;
	refusals->tokens = REFUSALS_BURST;
	randombytes_buf(refusals->boot_id, sizeof(refusals->boot_id));
	return refusals;
}

void refusals_free(struct refusals *refusals)
{
	free(refusals);
}

static void write_event(struct refusals *refusals, const char *kind, const char *text)
{
	const struct store_event event = {
		.node = "",
		.boot_id = refusals->boot_id,
		.seq = ++refusals->seq,
		.time_ms = clock_unix_us() / 1000u,
		.kernel = "",
		.kind = kind,
		.project = "",
		.text = text,
	};

	log_line("%s: %s", kind, text);
	if (store_event_add(refusals->store, &event) < 0)
		log_line("store: %s", store_error(refusals->store));
}

/* A bucket that fills by one each REFUSALS_EVERY_MS. */
static bool may_write(struct refusals *refusals, uint64_t now_ms)
{
	while (refusals->tokens < REFUSALS_BURST &&
	       now_ms - refusals->filled_ms >= REFUSALS_EVERY_MS) {
		refusals->filled_ms += REFUSALS_EVERY_MS;
		refusals->tokens++;
	}
	if (refusals->tokens == REFUSALS_BURST)
		refusals->filled_ms = now_ms;
	if (refusals->tokens == 0)
		return false;
	refusals->tokens--;
	return true;
}

static struct row *find(struct refusals *refusals, enum refusal kind, const char *address)
{
	struct row *unused = NULL;

	for (size_t i = 0; i < REFUSALS_MAX; i++) {
		struct row *row = &refusals->rows[i];

		if (!row->used)
			unused = row;
		else if (row->kind == kind && strcmp(row->address, address) == 0)
			return row;
	}
	return unused;
}

void refusals_tell(struct refusals *refusals, uint64_t now_ms, enum refusal kind,
		   const char *address, const char *format, ...)
{
	char key[ADDRESS_MAX], what[LINK_TEXT_MAX], text[LINK_TEXT_MAX];
	struct row *row;
	va_list args;

	snprintf(key, sizeof(key), "%s", address);
	row = find(refusals, kind, key);
	if (row != NULL && row->used) {
		row->more++;
		return;
	}
	if (row == NULL || !may_write(refusals, now_ms)) {
		if (refusals->others++ == 0)
			refusals->others_ms = now_ms;
		return;
	}
	*row = (struct row){.used = true, .kind = kind, .first_ms = now_ms};
	memcpy(row->address, key, sizeof(key));
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(text, sizeof(text), "%s: %.180s", row->address, what);
	write_event(refusals, KIND[kind], text);
}

void refusals_sweep(struct refusals *refusals, uint64_t now_ms)
{
	char text[LINK_TEXT_MAX];

	for (size_t i = 0; i < REFUSALS_MAX; i++) {
		struct row *row = &refusals->rows[i];

		if (!row->used || now_ms - row->first_ms < REFUSALS_COUNTED_MS)
			continue;
		if (row->more > 0 && !may_write(refusals, now_ms))
			continue; /* later */
		row->used = false;
		if (row->more == 0)
			continue;
		snprintf(text, sizeof(text), "%s: %llu times more in a minute", row->address,
			 (unsigned long long)row->more);
		write_event(refusals, KIND[row->kind], text);
	}
	if (refusals->others == 0 || now_ms - refusals->others_ms < REFUSALS_COUNTED_MS)
		return;
	snprintf(text, sizeof(text), "%llu refusals of other addresses, too many to tell each",
		 (unsigned long long)refusals->others);
	refusals->others = 0;
	write_event(refusals, "refused.others", text);
}
