/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals: told at once, counted after, bounded whoever knocks how often. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/gateway/refusals.h"
#include "link/check.h"

struct seen {
	int count;
	char kind[64], text[256];
};

static bool see(void *ctx, const struct store_event *event)
{
	struct seen *seen = ctx;

	seen->count++;
	snprintf(seen->kind, sizeof(seen->kind), "%s", event->kind);
	snprintf(seen->text, sizeof(seen->text), "%s", event->text);
	return event->node[0] == '\0';
}

static struct seen look(struct check *check, struct store *store)
{
	struct seen seen = {0};

	CHECK_EQ(check, store_event_walk(store, 0, 10000, see, &seen), 0);
	return seen;
}

static void test_counted(struct check *check, struct store *store)
{
	struct refusals *refusals = refusals_new(store);
	struct seen seen;

	for (int i = 0; i < 1000; i++)
		refusals_tell(refusals, 5, REFUSAL_KEY, "10.0.0.1", "its key %s is no node's", "K");
	seen = look(check, store);
	CHECK_EQ(check, seen.count, 1);
	CHECK(check, strcmp(seen.kind, "refused.key") == 0);
	CHECK(check, strcmp(seen.text, "10.0.0.1: its key K is no node's") == 0);
	/* Another kind, another address: their own. */
	refusals_tell(refusals, 6, REFUSAL_REVOKED, "10.0.0.1", "node a was revoked");
	refusals_tell(refusals, 7, REFUSAL_KEY, "10.0.0.2", "its key is no node's");
	CHECK_EQ(check, look(check, store).count, 3);
	refusals_sweep(refusals, 4 + REFUSALS_COUNTED_MS);
	CHECK_EQ(check, look(check, store).count, 3);
	refusals_sweep(refusals, 7 + REFUSALS_COUNTED_MS);
	seen = look(check, store);
	CHECK_EQ(check, seen.count, 4);
	CHECK(check, strcmp(seen.text, "10.0.0.1: 999 times more in a minute") == 0);
	/* Told anew after that. */
	refusals_tell(refusals, 8 + REFUSALS_COUNTED_MS, REFUSAL_KEY, "10.0.0.2", "again");
	CHECK_EQ(check, look(check, store).count, 5);
	refusals_free(refusals);
}

/* Ten minutes of a new address each millisecond: an event each REFUSALS_EVERY_MS, and the sums. */
static void test_flood(struct check *check, struct store *store)
{
	const int before = look(check, store).count;
	struct refusals *refusals = refusals_new(store);
	struct seen seen;
	char address[32];
	int written;

	for (uint64_t now = 1; now <= 600000; now++) {
		snprintf(address, sizeof(address), "2001:db8::%x", (unsigned)now);
		refusals_tell(refusals, now, REFUSAL_TOKEN, address, "a token of nobody's");
		if (now % 100 == 0)
			refusals_sweep(refusals, now);
	}
	seen = look(check, store);
	written = seen.count - before;
	CHECK(check, written >= (int)REFUSALS_BURST);
	CHECK(check, written <= (int)(REFUSALS_BURST + 600000 / REFUSALS_EVERY_MS + 11));
	refusals_sweep(refusals, 600000 + 2 * REFUSALS_COUNTED_MS);
	seen = look(check, store);
	CHECK(check, strcmp(seen.kind, "refused.others") == 0);
	refusals_free(refusals);
}

int main(void)
{
	char folder[] = "/tmp/test-refusals-XXXXXX";
	struct check check = {0};
	struct store *store = NULL;
	char path[64], command[96], error[256];

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/store.db", folder);
	CHECK_EQ(&check, store_create(path), 0);
	if (CHECK_EQ(&check, store_open(path, &store, error, sizeof(error)), 0)) {
		test_counted(&check, store);
		test_flood(&check, store);
		store_close(store);
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	CHECK_EQ(&check, system(command), 0);
	return CHECK_DONE(&check);
}
