/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard of IN and the cursors over a log. The random test keeps a model of the log and of
 * every client, and checks after each step what the two promise: each client sees each entry that
 * is for it once and in order, or is told that it is lost; nothing that is needed is trimmed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link/check.h"
#include "link/cursor.h"

/* ---- guard ---- */

static int accept_one(struct link_guard *guard, uint32_t incarnation, uint64_t epoch,
		      enum link_channel channel, uint64_t seq)
{
	const struct link_chunk chunk = {.incarnation = incarnation, .epoch = epoch,
					 .channel = (uint8_t)channel, .seq = seq};

	return link_guard_accept(guard, &chunk);
}

static void test_guard(struct check *check)
{
	struct link_guard guard;

	link_guard_start(&guard, 7);
	CHECK_EQ(check, accept_one(&guard, 7, 1, LINK_SHELL, 1), 0);
	CHECK_EQ(check, accept_one(&guard, 7, 1, LINK_SHELL, 1), -EALREADY);
	CHECK_EQ(check, accept_one(&guard, 7, 1, LINK_SHELL, 0), -EALREADY);
	CHECK_EQ(check, accept_one(&guard, 7, 1, LINK_SHELL, 3), -ENODATA);
	CHECK_EQ(check, accept_one(&guard, 7, 1, LINK_SHELL, 2), 0);
	CHECK_EQ(check, accept_one(&guard, 7, 1, LINK_CONTROL, 1), 0); /* each channel for itself */
	CHECK_EQ(check, accept_one(&guard, 7, 1, LINK_STDIN, 2), -ENODATA);
	CHECK_EQ(check, accept_one(&guard, 7, 2, LINK_SHELL, 1), 0); /* another sender */
	CHECK_EQ(check, accept_one(&guard, 7, 2, LINK_SHELL, 3), -ENODATA);
	CHECK_EQ(check, accept_one(&guard, 6, 1, LINK_SHELL, 3), -ESTALE);
	CHECK_EQ(check, accept_one(&guard, 8, 1, LINK_SHELL, 3), -ESTALE);
	CHECK_EQ(check, accept_one(&guard, 7, 0, LINK_SHELL, 1), -EINVAL);
	CHECK_EQ(check, accept_one(&guard, 7, 1, LINK_IOPUB, 1), -EINVAL);
	CHECK_EQ(check, accept_one(&guard, 7, 1, LINK_SHELL, UINT64_MAX), -ENODATA);
	link_guard_start(&guard, 8);
	CHECK_EQ(check, accept_one(&guard, 8, 1, LINK_SHELL, 1), 0);
}

static void test_guard_eviction(struct check *check)
{
	struct link_guard guard;

	link_guard_start(&guard, 0);
	for (uint64_t epoch = 1; epoch <= LINK_EPOCHS_MAX; epoch++)
		CHECK_EQ(check, accept_one(&guard, 0, epoch, LINK_SHELL, 1), 0);
	CHECK_EQ(check, accept_one(&guard, 0, 1, LINK_SHELL, 2), 0); /* 1 is in use: 2 is oldest */
	CHECK_EQ(check, accept_one(&guard, 0, 100, LINK_SHELL, 5), -ENODATA); /* evicts nobody */
	CHECK_EQ(check, accept_one(&guard, 0, 2, LINK_SHELL, 1), -EALREADY);
	CHECK_EQ(check, accept_one(&guard, 0, 100, LINK_SHELL, 1), 0);
	CHECK_EQ(check, accept_one(&guard, 0, 1, LINK_SHELL, 2), -EALREADY);
	CHECK_EQ(check, accept_one(&guard, 0, 3, LINK_SHELL, 1), -EALREADY);
	CHECK_EQ(check, accept_one(&guard, 0, 2, LINK_SHELL, 2), -ENODATA); /* forgotten */
}

/* ---- cursors, step by step ---- */

static int attach(struct link_cursors *cursors, uint64_t session, int resume, uint64_t cursor,
		  uint64_t *ret_lost)
{
	const struct link_attach frame = {.session = session, .resume = (uint8_t)resume,
					  .cursor = cursor, .credit = 100};

	*ret_lost = 0;
	return link_cursors_attach(cursors, &frame, ret_lost);
}

static void append(struct link_cursors *cursors, size_t count)
{
	while (count-- > 0)
		link_cursors_append(cursors);
}

static void read_to(struct link_cursors *cursors, uint64_t session, uint64_t seq)
{
	struct link_cursor *row = link_cursors_find(cursors, session);

	while (row->sent < seq)
		link_cursors_passed(cursors, row, true);
}

static void test_orphan(struct check *check)
{
	struct link_cursors cursors;
	uint64_t lost;

	link_cursors_start(&cursors, 100);
	CHECK(check, cursors.first == 101 && link_cursors_needed(&cursors) == 101);
	append(&cursors, 3);
	CHECK_EQ(check, link_cursors_needed(&cursors), 104); /* nobody is expected: keep nothing */
	CHECK_EQ(check, attach(&cursors, 1, 0, 0, &lost), 0);
	CHECK_EQ(check, link_cursors_find(&cursors, 1)->sent, 103); /* a first session: from now */
	CHECK_EQ(check, link_cursors_find(&cursors, 1)->credit.left, 100);
	append(&cursors, 7);
	read_to(&cursors, 1, 110);
	CHECK_EQ(check, link_cursors_ack(&cursors, 1, 105), 0);
	CHECK_EQ(check, attach(&cursors, 2, 0, 0, &lost), 0);
	CHECK_EQ(check, link_cursors_find(&cursors, 2)->sent, 110); /* somebody is here: the end */
	CHECK_EQ(check, link_cursors_detach(&cursors, 2), 0);
	CHECK(check, !cursors.orphaned);
	CHECK_EQ(check, link_cursors_detach(&cursors, 1), 0);
	CHECK_EQ(check, link_cursors_detach(&cursors, 1), -ENOENT);
	CHECK(check, cursors.orphaned && link_cursors_needed(&cursors) == 106);
	append(&cursors, 5);
	CHECK_EQ(check, attach(&cursors, 3, 0, 0, &lost), 0);
	CHECK(check, link_cursors_find(&cursors, 3)->sent == 105 && lost == 0);
	CHECK(check, !cursors.orphaned);
}

static void test_resume(struct check *check)
{
	struct link_cursors cursors;
	uint64_t lost;

	link_cursors_start(&cursors, 0);
	append(&cursors, 10);
	CHECK_EQ(check, attach(&cursors, 0, 0, 0, &lost), -EINVAL);
	CHECK_EQ(check, attach(&cursors, 1, 1, 11, &lost), -ESTALE);
	CHECK_EQ(check, attach(&cursors, 1, 1, UINT64_MAX, &lost), -ESTALE);
	CHECK_EQ(check, attach(&cursors, 1, 1, 4, &lost), 0);
	CHECK(check, link_cursors_find(&cursors, 1)->sent == 4 && lost == 0);
	CHECK_EQ(check, attach(&cursors, 1, 0, 0, &lost), -EEXIST);
	read_to(&cursors, 1, 9);
	CHECK_EQ(check, attach(&cursors, 1, 1, 6, &lost), 0); /* its connection was lost */
	CHECK_EQ(check, link_cursors_find(&cursors, 1)->sent, 6);
	CHECK_EQ(check, link_cursors_needed(&cursors), 7);
	CHECK_EQ(check, link_cursors_dropped(&cursors, 7), 0);
	CHECK_EQ(check, attach(&cursors, 1, 1, 2, &lost), 0);
	CHECK(check, link_cursors_find(&cursors, 1)->sent == 6 && lost == 4);
	link_cursors_start(&cursors, 1000); /* the relay died: a log above the old one */
	CHECK_EQ(check, attach(&cursors, 1, 1, 6, &lost), 0);
	CHECK_EQ(check, lost, 994);
}

static void test_many(struct check *check)
{
	struct link_cursors cursors;
	uint64_t lost;

	link_cursors_start(&cursors, 0);
	for (uint64_t session = 1; session <= LINK_SESSIONS_MAX; session++)
		CHECK_EQ(check, attach(&cursors, session, 0, 0, &lost), 0);
	CHECK_EQ(check, attach(&cursors, 99, 0, 0, &lost), -ENOSPC);
	append(&cursors, 9);
	for (uint64_t session = 1; session <= LINK_SESSIONS_MAX; session++) {
		read_to(&cursors, session, 9);
		CHECK_EQ(check, link_cursors_ack(&cursors, session, session == 5 ? 3 : 8), 0);
	}
	link_cursors_detach_all(&cursors);
	CHECK(check, cursors.orphaned && cursors.orphan == 3); /* the slowest */
	CHECK(check, link_cursors_next(&cursors, NULL) == NULL);
	link_cursors_detach_all(&cursors);
	CHECK(check, cursors.orphaned && cursors.orphan == 3);
	CHECK_EQ(check, link_cursors_dropped(&cursors, 6), 1);
	CHECK_EQ(check, attach(&cursors, 99, 0, 0, &lost), 0);
	CHECK_EQ(check, lost, 2);
}

/* Who comes back under its own number goes on where it was, whoever came before it. */
static void test_places(struct check *check)
{
	struct link_cursors cursors;
	uint64_t lost;

	link_cursors_start(&cursors, 0);
	for (uint64_t session = 1; session <= 3; session++)
		CHECK_EQ(check, attach(&cursors, session, 0, 0, &lost), 0);
	append(&cursors, 9);
	for (uint64_t session = 1; session <= 3; session++) {
		read_to(&cursors, session, 9);
		CHECK_EQ(check, link_cursors_ack(&cursors, session, 3 * session - 1), 0);
	}
	for (uint64_t session = 1; session <= 3; session++)
		CHECK_EQ(check, link_cursors_detach(&cursors, session), 0);
	append(&cursors, 5);
	/* All at once: a stranger begins at the slowest, each of them where it was. */
	CHECK(check, cursors.orphaned && cursors.orphan == 2);
	CHECK_EQ(check, attach(&cursors, 2, 0, 0, &lost), 0);
	CHECK(check, link_cursors_find(&cursors, 2)->sent == 5 && lost == 0);
	CHECK_EQ(check, link_cursors_needed(&cursors), 3);
	CHECK_EQ(check, link_cursors_needed_here(&cursors), 6);
	CHECK_EQ(check, attach(&cursors, 4, 0, 0, &lost), 0);
	CHECK_EQ(check, link_cursors_find(&cursors, 4)->sent, 14); /* somebody is here */
	CHECK_EQ(check, link_cursors_dropped(&cursors, 5), 0);
	CHECK_EQ(check, attach(&cursors, 1, 0, 0, &lost), 0);
	CHECK(check, link_cursors_find(&cursors, 1)->sent == 4 && lost == 2);
	CHECK_EQ(check, attach(&cursors, 3, 1, 9, &lost), 0);
	CHECK(check, link_cursors_find(&cursors, 3)->sent == 9 && lost == 0);
	/* One that left alone, after others had read on, is no stranger's beginning. */
	CHECK_EQ(check, link_cursors_detach(&cursors, 1), 0);
	read_to(&cursors, 2, 14);
	CHECK_EQ(check, link_cursors_ack(&cursors, 2, 14), 0);
	link_cursors_detach_all(&cursors);
	CHECK(check, cursors.orphaned && cursors.orphan == 9); /* session 3's */
}

static void test_expiry(struct check *check)
{
	struct link_cursors cursors;
	uint64_t lost;

	link_cursors_start(&cursors, 0);
	link_cursors_expire(&cursors, 1000, 60);
	CHECK_EQ(check, attach(&cursors, 1, 0, 0, &lost), 0);
	CHECK_EQ(check, attach(&cursors, 2, 0, 0, &lost), 0);
	append(&cursors, 5);
	link_cursors_detach_all(&cursors);
	link_cursors_expire(&cursors, 9000, 60); /* nobody is there: they stay */
	CHECK_EQ(check, attach(&cursors, 2, 0, 0, &lost), 0);
	link_cursors_expire(&cursors, 9059, 60);
	CHECK_EQ(check, link_cursors_needed(&cursors), 1);
	read_to(&cursors, 2, 5);
	CHECK_EQ(check, link_cursors_ack(&cursors, 2, 5), 0);
	CHECK_EQ(check, link_cursors_needed(&cursors), 1);
	link_cursors_expire(&cursors, 9060, 60);
	CHECK_EQ(check, link_cursors_needed(&cursors), 6);
	CHECK_EQ(check, attach(&cursors, 1, 0, 0, &lost), 0);
	CHECK_EQ(check, link_cursors_find(&cursors, 1)->sent, 5);
	/* The table is full: the one that left first is forgotten. */
	for (uint64_t session = 100; session < 101 + LINK_SESSIONS_MAX; session++) {
		CHECK_EQ(check, attach(&cursors, session, 1, 5, &lost), 0);
		CHECK_EQ(check, link_cursors_detach(&cursors, session), 0);
	}
	append(&cursors, 1);
	CHECK_EQ(check, attach(&cursors, 101, 0, 0, &lost), 0);
	CHECK_EQ(check, link_cursors_find(&cursors, 101)->sent, 5);
	CHECK_EQ(check, attach(&cursors, 100, 0, 0, &lost), 0);
	CHECK_EQ(check, link_cursors_find(&cursors, 100)->sent, 6);
}

/* Entries for another reader do not hold the log back. */
static void test_skipped(struct check *check)
{
	struct link_cursors cursors;
	struct link_cursor *row;
	uint64_t lost;

	link_cursors_start(&cursors, 0);
	CHECK_EQ(check, attach(&cursors, 1, 0, 0, &lost), 0);
	CHECK_EQ(check, attach(&cursors, 2, 0, 0, &lost), 0);
	row = link_cursors_find(&cursors, 1);
	append(&cursors, 6);
	CHECK(check, link_cursors_wants(&cursors, row, 0));
	CHECK(check, link_cursors_wants(&cursors, row, 1));
	CHECK(check, !link_cursors_wants(&cursors, row, 2));
	CHECK(check, link_cursors_wants(&cursors, row, 3)); /* nobody's: everybody's */
	link_cursors_passed(&cursors, row, false);
	CHECK_EQ(check, row->acked, 1);
	link_cursors_passed(&cursors, row, true); /* 2 */
	link_cursors_passed(&cursors, row, false);
	link_cursors_passed(&cursors, row, true); /* 4 */
	link_cursors_passed(&cursors, row, false);
	CHECK(check, row->acked == 1 && row->sent == 5);
	CHECK_EQ(check, link_cursors_ack(&cursors, 1, 6), -ERANGE);
	CHECK_EQ(check, link_cursors_ack(&cursors, 3, 1), -ENOENT);
	CHECK_EQ(check, link_cursors_ack(&cursors, 1, 2), 0);
	CHECK_EQ(check, row->acked, 2);
	CHECK_EQ(check, link_cursors_ack(&cursors, 1, 4), 0);
	CHECK_EQ(check, row->acked, 5);
	CHECK_EQ(check, link_cursors_ack(&cursors, 1, 3), 0); /* going back changes nothing */
	CHECK_EQ(check, row->acked, 5);
	link_cursors_passed(&cursors, row, true);
	link_cursors_passed(&cursors, row, true); /* at the end: nothing */
	CHECK_EQ(check, row->sent, 6);
}

/* ---- random ---- */

#define CLIENTS 6u
#define ENTRIES 4096u
#define ROUNDS 60000

struct client {
	uint64_t session;
	bool attached;
	uint64_t seen;	/* the last entry it got, or passed over */
	uint64_t acked; /* what it said it has */
};

struct model {
	struct link_cursors cursors;
	uint64_t to[ENTRIES]; /* whom entry i is for */
	struct client client[CLIENTS];
};

static const struct link_place *place_of(const struct model *model, const struct client *client)
{
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++)
		if (model->cursors.place[i].session == client->session)
			return &model->cursors.place[i];
	return NULL;
}

static void check_invariants(struct check *check, const struct model *model)
{
	const struct link_cursors *cursors = &model->cursors;
	bool any = false;

	CHECK(check, cursors->first <= cursors->end + 1);
	for (size_t i = 0; i < LINK_SESSIONS_MAX; i++) {
		const struct link_cursor *row = &cursors->row[i];

		if (row->session == 0)
			continue;
		any = true;
		CHECK(check, row->acked + 1 >= cursors->first && row->acked <= row->sent);
		CHECK(check, row->sent <= cursors->end && row->delivered <= row->sent);
		CHECK(check, link_cursors_needed(cursors) <= row->acked + 1);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		const struct link_place *place = place_of(model, &model->client[i]);

		CHECK(check, place == NULL || !model->client[i].attached);
		CHECK(check, place == NULL || (place->acked + 1 >= cursors->first &&
					       place->acked <= cursors->end &&
					       link_cursors_needed(cursors) <= place->acked + 1));
	}
	CHECK(check, !(any && cursors->orphaned));
	CHECK(check, !cursors->orphaned || (cursors->orphan + 1 >= cursors->first &&
					    cursors->orphan <= cursors->end));
	CHECK(check, link_cursors_needed(cursors) >= cursors->first);
}

static void do_attach(struct check *check, struct model *model, struct client *client,
		      uint64_t *random)
{
	const bool resume = check_random(random) % 2 == 0;
	const bool placed = place_of(model, client) != NULL;
	uint64_t lost, at;

	CHECK_EQ(check, attach(&model->cursors, client->session, resume, client->seen, &lost),
		 client->attached && !resume ? -EEXIST : 0);
	if (client->attached && !resume)
		return;
	client->attached = true;
	if (resume) /* exactly where it was, or it is told how much is gone */
		CHECK_EQ(check, link_cursors_find(&model->cursors, client->session)->sent,
			 client->seen + lost);
	at = link_cursors_find(&model->cursors, client->session)->sent;
	if (!resume && placed) /* between what it had acknowledged and what it had seen, */
		CHECK(check, at + 1 == model->cursors.first || /* or at what is left of it */
				     (at >= client->acked && at <= client->seen));
	client->seen = client->acked = at;
}

static void do_read(struct check *check, struct model *model, struct client *client)
{
	struct link_cursor *row = link_cursors_find(&model->cursors, client->session);
	uint64_t next;
	bool wanted;

	CHECK_EQ(check, row != NULL, client->attached);
	if (row == NULL || row->sent == model->cursors.end)
		return;
	next = row->sent + 1;
	CHECK(check, next >= model->cursors.first); /* it is still in the log */
	CHECK_EQ(check, next, client->seen + 1 + row->lost);
	row->lost = 0;
	wanted = link_cursors_wants(&model->cursors, row, model->to[next % ENTRIES]);
	link_cursors_passed(&model->cursors, row, wanted);
	client->seen = next;
}

static void do_ack(struct check *check, struct model *model, struct client *client,
		   uint64_t *random)
{
	uint64_t seq = client->acked + check_random(random) % (client->seen - client->acked + 1);

	CHECK_EQ(check, link_cursors_ack(&model->cursors, client->session, seq),
		 client->attached ? 0 : -ENOENT);
	if (client->attached)
		client->acked = seq;
}

static void do_detach(struct check *check, struct model *model, struct client *client,
		      uint64_t *random)
{
	if (check_random(random) % 8 == 0) {
		link_cursors_detach_all(&model->cursors);
		for (size_t i = 0; i < CLIENTS; i++)
			model->client[i].attached = false;
		return;
	}
	CHECK_EQ(check, link_cursors_detach(&model->cursors, client->session),
		 client->attached ? 0 : -ENOENT);
	client->attached = false;
}

static void do_log(struct check *check, struct model *model, uint64_t *random)
{
	struct link_cursors *cursors = &model->cursors;

	if (cursors->end + 1 - cursors->first < 200) {
		uint64_t seq = link_cursors_append(cursors);

		model->to[seq % ENTRIES] = check_random(random) % 3 == 0
						   ? 1 + check_random(random) % CLIENTS : 0;
	} else if (check_random(random) % 10 == 0) { /* full: the oldest go, whoever needs them */
		link_cursors_dropped(cursors, cursors->first + check_random(random) % 50);
	}
	if (check_random(random) % 4 == 0) /* trimming what nobody needs hurts nobody */
		CHECK_EQ(check, link_cursors_dropped(cursors, link_cursors_needed(cursors)), 0);
}

static void test_random(struct check *check)
{
	struct model *model = calloc(1, sizeof(*model));
	uint64_t random = 7;

	link_cursors_start(&model->cursors, 0);
	for (size_t i = 0; i < CLIENTS; i++)
		model->client[i].session = i + 1;
	for (int round = 0; round < ROUNDS; round++) {
		struct client *client = &model->client[check_random(&random) % CLIENTS];
		uint64_t dice = check_random(&random) % 100;

		if (dice < 40)
			do_log(check, model, &random);
		else if (dice < 85)
			do_read(check, model, client);
		else if (dice < 95)
			do_ack(check, model, client, &random);
		else if (dice < 98)
			do_attach(check, model, client, &random);
		else
			do_detach(check, model, client, &random);
		link_cursors_expire(&model->cursors, (uint64_t)round, 500);
		check_invariants(check, model);
	}
	free(model);
}

/* Sessions are served in turn. */
static void test_turns(struct check *check)
{
	struct link_cursors cursors;
	struct link_cursor *row = NULL;
	uint64_t lost, served[4] = {0};

	link_cursors_start(&cursors, 0);
	CHECK(check, link_cursors_next(&cursors, NULL) == NULL);
	for (uint64_t session = 1; session <= 3; session++)
		CHECK_EQ(check, attach(&cursors, session, 0, 0, &lost), 0);
	for (int i = 0; i < 9; i++) {
		row = link_cursors_next(&cursors, row);
		served[row->session]++;
	}
	CHECK(check, served[1] == 3 && served[2] == 3 && served[3] == 3);
}

int main(void)
{
	struct check check = {0};

	test_guard(&check);
	test_guard_eviction(&check);
	test_orphan(&check);
	test_resume(&check);
	test_many(&check);
	test_places(&check);
	test_expiry(&check);
	test_skipped(&check);
	test_turns(&check);
	test_random(&check);
	return CHECK_DONE(&check);
}
