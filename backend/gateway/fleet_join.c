/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a node gets in: a stranger's enrolment, a known node's ticket. Nothing of a stranger's but
 * one ENROL is acted on, and its connection is ended whatever comes of that.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/gateway/clock.h"
#include "backend/gateway/fleet_private.h"
#include "backend/gateway/log.h"
#include "backend/gateway/refusals.h"
#include "backend/gateway/ticket.h"
#include "link/secret.h"

#define ENROL_A_SECOND 20u /* tries of all strangers together; each costs one look at the store */
#define CLOSING_MS 1000u   /* for a verdict to be read */

/* ---- connections that end ---- */

void fleet_shut(const struct link_inbox *inbox)
{
	struct link_mark mark;

	link_inbox_mark(inbox, &mark);
	(void)link_mark_shut(&mark);
}

/* Where there is no room any more it ends at once: its verdict may be lost, the refusal is not. */
void fleet_shut_soon(struct fleet *fleet, const struct link_inbox *inbox)
{
	for (size_t i = 0; i < FLEET_CLOSING_MAX; i++) {
		if (fleet->closing[i].at_ms != 0)
			continue;
		link_inbox_mark(inbox, &fleet->closing[i].mark);
		fleet->closing[i].at_ms = clock_ms() + CLOSING_MS;
		return;
	}
	fleet_shut(inbox);
}

void fleet_closing_sweep(struct fleet *fleet, uint64_t now_ms)
{
	for (size_t i = 0; i < FLEET_CLOSING_MAX; i++) {
		if (fleet->closing[i].at_ms == 0 || fleet->closing[i].at_ms > now_ms)
			continue;
		(void)link_mark_shut(&fleet->closing[i].mark);
		fleet->closing[i].at_ms = 0;
	}
}

static void verdict(struct fleet *fleet, const struct link_inbox *inbox, enum link_verdict code,
		    const char *text)
{
	struct link_frame frame = {.type = LINK_VERDICT};

	frame.u.verdict.code = (uint8_t)code;
	snprintf(frame.u.verdict.text, sizeof(frame.u.verdict.text), "%s", text);
	(void)link_send(fleet->socket, &link_inbox_sender(inbox)->route, &frame);
	fleet_shut_soon(fleet, inbox);
}

/* ---- tickets ---- */

static void refuse(struct fleet *fleet, struct node *node, const struct link_inbox *inbox, int r)
{
	if (r == -EIO) {
		log_line("store: join of node %s: %s", node->name, store_error(fleet->store));
		fleet_shut_soon(fleet, inbox); /* it dials again */
		return;
	}
	if (r == -EAGAIN) {
		/* It joined over another connection since: an honest one dials again, and is judged. */
		fleet_shut(inbox);
		return;
	}
	if (r == -ESTALE) {
		/* In the log in any case: of refusals, no more than a number may be told. */
		log_line("node %s: locked until `anchorhold node unlock` or `revoke`", node->name);
		refusals_tell(fleet->refusals, clock_ms(), REFUSAL_TICKET,
			      link_inbox_address(inbox),
			      "node %s, key %s: a stale ticket: two nodes have this key", node->name,
			      link_inbox_sender(inbox)->key);
	}
	/* Whoever is connected by that key is out with it. */
	(void)fleet_node_refresh(fleet, node->name);
	verdict(fleet, inbox, node->revoked ? LINK_V_REVOKED : LINK_V_LOCKED,
		node->revoked ? "this node is revoked"
			      : "two nodes have this key: both are locked until an operator decides");
}

bool fleet_join(struct fleet *fleet, struct node *node, const struct link_inbox *inbox,
		const struct link_ticket *shown, struct link_ticket *ret_ticket)
{
	uint64_t next = 0;
	bool tag_ok = ticket_ok(fleet->ticket_key, node->name, shown);
	int r = store_node_join(fleet->store, node->name, link_inbox_sender(inbox)->stamp,
				shown->counter, tag_ok, &next);

	if (r < 0) {
		refuse(fleet, node, inbox, r);
		return false;
	}
	ticket_sign(fleet->ticket_key, node->name, next, ret_ticket);
	return true;
}

/* The ticket is on the node's disk, and so is the key it came by. */
void fleet_join_ack(struct fleet *fleet, struct node *node, const struct link_frame *frame)
{
	int r = store_node_joined(fleet->store, node->name, frame->u.join_ack);

	if (r == 0 && node->by_next) {
		r = store_node_promote(fleet->store, node->name);
		if (r == 0)
			log_line("node %s: its key is %s now, was %s", node->name, node->next_key,
				 node->key);
		if (r == 0)
			(void)fleet_node_refresh(fleet, node->name);
	}
	if (r < 0)
		log_line("store: ticket of node %s: %s", node->name, store_error(fleet->store));
}

/* ---- enrolment ---- */

static bool enrol_paced(struct fleet *fleet)
{
	uint64_t second = clock_ms() / 1000u;

	if (fleet->enrol_second != second) {
		fleet->enrol_second = second;
		fleet->enrol_count = 0;
	}
	return ++fleet->enrol_count <= ENROL_A_SECOND;
}

static int enrol_key(struct fleet *fleet, const struct link_inbox *inbox,
		     const struct link_enrol *enrol)
{
	char print[CURVE_PRINT_LEN + 1], text[CURVE_TEXT_LEN + 1];
	struct curve_key key;

	memcpy(key.bytes, enrol->public_key, CURVE_KEY_LEN);
	curve_key_print(&key, print);
	/* The key it names must be the one the connection proved that it holds. */
	if (strcmp(print, link_inbox_sender(inbox)->key) != 0)
		return -EPERM;
	curve_key_format(&key, text);
	return store_enrol_use(fleet->store, enrol->name, enrol->secret, text,
			       (int64_t)(clock_unix_us() / 1000000u));
}

static const char *enrol_problem(int r)
{
	switch (r) {
	case -ENOENT:
		return "its secret is unknown, used or expired";
	case -EKEYREJECTED:
		return "its secret is wrong, or another name's";
	case -EPERM:
		return "it names another key than its own";
	case -EEXIST:
		return "that node has a key already";
	default:
		return "it cannot be stored";
	}
}

static void enrol_stranger(struct fleet *fleet, const struct link_inbox *inbox,
			   const struct link_enrol *enrol)
{
	const char *key = link_inbox_sender(inbox)->key;
	int r;

	if (!enrol_paced(fleet)) {
		refusals_tell(fleet->refusals, clock_ms(), REFUSAL_BUSY, link_inbox_address(inbox),
			      "node '%s', key %s: too many try to enrol at once", enrol->name, key);
		verdict(fleet, inbox, LINK_V_BUSY, "too many try to enrol: try again");
		return;
	}
	r = enrol_key(fleet, inbox, enrol);
	if (r == 0)
		r = fleet_node_refresh(fleet, enrol->name);
	if (r == 0) {
		log_line("node %s: enrolled, key %s", enrol->name, key);
		verdict(fleet, inbox, LINK_V_ENROLLED, "");
		return;
	}
	if (r == -EIO)
		log_line("store: enrolment of node %s: %s", enrol->name, store_error(fleet->store));
	else
		refusals_tell(fleet->refusals, clock_ms(), REFUSAL_SECRET,
			      link_inbox_address(inbox), "node '%s', key %s: %s", enrol->name, key,
			      enrol_problem(r));
	verdict(fleet, inbox, r == -EIO ? LINK_V_BUSY : LINK_V_SECRET,
		r == -EIO ? "the gateway cannot store it now"
			  : "its secret is unknown, used, expired, or another name's");
}

void fleet_enrol(struct fleet *fleet, const struct link_inbox *inbox,
		 const struct link_frame *frame)
{
	const struct link_sender *sender = link_inbox_sender(inbox);

	if (frame->type != LINK_ENROL) {
		refusals_tell(fleet->refusals, clock_ms(), REFUSAL_STRANGER,
			      link_inbox_address(inbox), "a stranger with key %s sent %s and no ENROL",
			      sender->key, link_type_name(frame->type));
		fleet_shut(inbox);
	} else if (strcmp(sender->user, FLEET_STRANGER) == 0) {
		enrol_stranger(fleet, inbox, &frame->u.enrol);
	} else {
		/* It was registered, and the verdict was lost. */
		verdict(fleet, inbox, LINK_V_ENROLLED, "");
	}
}
