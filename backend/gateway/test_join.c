/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The count of joins against a model of nodes that lose power, at every point of every join, and
 * of gateways that lose their last writes: an honest node is never locked, a copied one always.
 */
#include "backend/gateway/join.h"
#include "backend/gateway/ticket.h"

#include <errno.h>
#include <string.h>

#include "link/check.h"

/* How far a join comes before the power goes. */
enum cut { CUT_ASKED, CUT_ISSUED, CUT_STORED, CUT_NONE, CUTS };

struct node {
	uint64_t stored; /* on its disk */
};

/* One join of a node, as far as cut says. */
static int turn(struct join *join, struct node *node, enum cut cut)
{
	int r;

	if (cut == CUT_ASKED)
		return 0; /* the HELLO never came */
	r = join_present(join, node->stored, node->stored != 0);
	if (r < 0 || cut == CUT_ISSUED)
		return r; /* the WELCOME never came, or was not stored */
	node->stored = join->pending;
	if (cut == CUT_NONE)
		(void)join_ack(join, node->stored);
	return 0;
}

#define DEPTH 7
#define SEQUENCES (CUTS * CUTS * CUTS * CUTS * CUTS * CUTS * CUTS)

/* Every sequence of cuts, 4^7, of one node: it is let in each time. */
static void test_cuts(struct check *check)
{
	unsigned long refused = 0;

	for (unsigned sequence = 0; sequence < SEQUENCES; sequence++) {
		struct join join = {.current = 0};
		struct node node = {.stored = 0};
		unsigned rest = sequence;

		for (unsigned i = 0; i < DEPTH; i++, rest /= CUTS)
			refused += turn(&join, &node, (enum cut)(rest % CUTS)) != 0;
		refused += turn(&join, &node, CUT_NONE) != 0;
		refused += join.locked || join.current != node.stored;
	}
	CHECK_EQ(check, refused, 0);
}

/* The gateway's store falls back to what it was before any of the turns: still let in. */
static void test_store_falls_back(struct check *check)
{
	unsigned long refused = 0;

	for (unsigned sequence = 0; sequence < SEQUENCES; sequence++) {
		struct join join = {.current = 0}, past[DEPTH];
		struct node node = {.stored = 0};
		unsigned rest = sequence;

		for (unsigned i = 0; i < DEPTH; i++, rest /= CUTS) {
			past[i] = join;
			refused += turn(&join, &node, (enum cut)(rest % CUTS)) != 0;
		}
		for (unsigned i = 0; i < DEPTH; i++) {
			struct node same = node;

			join = past[i];
			refused += turn(&join, &same, CUT_NONE) != 0;
			refused += turn(&join, &same, CUT_NONE) != 0;
		}
	}
	CHECK_EQ(check, refused, 0);
}

/* A copy of its disk, taken after any sequence: once both have joined, both are locked. */
static void test_copies(struct check *check)
{
	unsigned long missed = 0, wrong = 0;

	for (unsigned sequence = 0; sequence < SEQUENCES; sequence++) {
		struct join join = {.current = 0};
		struct node node = {.stored = 0}, copy;
		unsigned rest = sequence;

		for (unsigned i = 0; i < DEPTH; i++, rest /= CUTS)
			wrong += turn(&join, &node, (enum cut)(rest % CUTS)) != 0;
		copy = node;
		wrong += turn(&join, &node, CUT_NONE) != 0;
		missed += turn(&join, &copy, CUT_NONE) != -ESTALE;
		missed += turn(&join, &node, CUT_NONE) != -EPERM;
		missed += turn(&join, &copy, CUT_NONE) != -EPERM;
	}
	CHECK_EQ(check, wrong, 0);
	CHECK_EQ(check, missed, 0);
}

/* Neither acknowledges: the second takes the ticket's place, and the first then shows a void one. */
static void test_copies_at_once(struct check *check)
{
	struct join join = {.current = 0};
	struct node one = {0}, two;

	CHECK_EQ(check, turn(&join, &one, CUT_NONE), 0);
	two = one;
	CHECK_EQ(check, turn(&join, &one, CUT_STORED), 0);
	CHECK_EQ(check, turn(&join, &two, CUT_STORED), 0);
	CHECK(check, one.stored != two.stored);
	CHECK(check, !join_ack(&join, one.stored));
	CHECK(check, join_ack(&join, two.stored));
	CHECK_EQ(check, turn(&join, &one, CUT_NONE), -ESTALE);
	CHECK_EQ(check, turn(&join, &two, CUT_NONE), -EPERM);
}

static void test_forged(struct check *check)
{
	struct join join = {.current = 5, .issued = 5};

	CHECK_EQ(check, join_present(&join, 9, false), -ESTALE);
	join = (struct join){.current = 5, .issued = 5};
	CHECK_EQ(check, join_present(&join, 5, false), -ESTALE);
	join = (struct join){.current = 5, .issued = 5};
	CHECK_EQ(check, join_present(&join, 0, false), -ESTALE);
	CHECK_EQ(check, join_present(&join, 5, true), -EPERM);
	join = (struct join){.current = 5, .issued = 5};
	CHECK_EQ(check, join_present(&join, UINT64_MAX, true), -ESTALE);
	join = (struct join){.current = 5, .issued = 5};
	CHECK(check, !join_ack(&join, 0) && !join_ack(&join, 5) && !join_ack(&join, 6));
}

/* Unlocked by an operator: whichever joins first goes on, the other locks them again. */
static void test_open(struct check *check)
{
	struct join join = {.current = 9, .issued = 9, .locked = true};
	struct node one = {.stored = 9}, two = {.stored = 7}, fresh = {.stored = 0};

	CHECK_EQ(check, turn(&join, &one, CUT_NONE), -EPERM);
	join.locked = false;
	join.open = true;
	CHECK_EQ(check, turn(&join, &two, CUT_ISSUED), 0);
	CHECK_EQ(check, turn(&join, &two, CUT_STORED), 0);
	CHECK_EQ(check, turn(&join, &two, CUT_NONE), 0);
	CHECK_EQ(check, turn(&join, &two, CUT_NONE), 0);
	CHECK_EQ(check, turn(&join, &one, CUT_NONE), -ESTALE);
	join = (struct join){.current = 9, .issued = 9, .open = true};
	CHECK_EQ(check, turn(&join, &fresh, CUT_NONE), 0);
	CHECK_EQ(check, turn(&join, &fresh, CUT_NONE), 0);
	CHECK_EQ(check, turn(&join, &one, CUT_NONE), -ESTALE);
}

/* Silence is no join: a node may stay away for as long as it likes. Numbers have no age. */
static void test_tickets(struct check *check)
{
	static const uint8_t key[32] = {1}, other[32] = {2};
	struct link_ticket ticket, changed;

	ticket_sign(key, "n", 7, &ticket);
	CHECK(check, ticket.counter == 7 && ticket_ok(key, "n", &ticket));
	CHECK(check, !ticket_ok(other, "n", &ticket) && !ticket_ok(key, "m", &ticket));
	changed = ticket;
	changed.counter = 8;
	CHECK(check, !ticket_ok(key, "n", &changed));
	for (unsigned i = 0; i < LINK_TAG_LEN; i++) {
		changed = ticket;
		changed.tag[i] ^= 1;
		CHECK(check, !ticket_ok(key, "n", &changed));
	}
	ticket_sign(key, "n", 0, &ticket);
	CHECK(check, !ticket_ok(key, "n", &ticket));
}

int main(void)
{
	struct check check = {0};

	test_cuts(&check);
	test_store_falls_back(&check);
	test_copies(&check);
	test_copies_at_once(&check);
	test_forged(&check);
	test_open(&check);
	test_tickets(&check);
	return CHECK_DONE(&check);
}
