/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the node gets in. A join shows the last ticket and is given the next, which is on the disk
 * before it is acknowledged; a second join under way at the same time would void the first one's
 * ticket, so gateways take turns. A turn begins with a new connection, since a gateway judges no
 * ticket over one from before the last join.
 */
#include <errno.h>
#include <string.h>

#include "hostd/link_role.h"
#include "hostd/log.h"
#include "link/secret.h"

/* ---- keys ---- */

static int own_key(struct link *link, char text[IPC_KEY_LEN + 1], unsigned i)
{
	struct curve_key secret = {{0}};
	int r = curve_key_parse(text, strnlen(text, IPC_KEY_LEN), &secret);

	if (r == 0)
		r = curve_pair_from_secret(&secret, &link->own[i]);
	if (r == 0)
		link->own_count = i + 1;
	secret_wipe(&secret, sizeof(secret));
	secret_wipe(text, IPC_KEY_LEN + 1);
	return r;
}

int join_setup(struct link *link, struct ipc_link_setup *setup)
{
	int r = own_key(link, setup->secret_keys[0], 0);

	if (r == 0 && setup->secret_keys[1][0])
		r = own_key(link, setup->secret_keys[1], 1);
	for (unsigned i = 0; r == 0 && i < 2 && setup->gateway_keys[i][0]; i++) {
		r = curve_key_parse(setup->gateway_keys[i],
				    strnlen(setup->gateway_keys[i], IPC_KEY_LEN), &link->keys[i]);
		link->keys_count = i + 1;
	}
	link->ticket = setup->ticket;
	link->enrol = setup->enrol != 0;
	memcpy(link->join_secret, setup->join_secret, sizeof(link->join_secret));
	secret_wipe(setup->join_secret, sizeof(setup->join_secret));
	return r == 0 && link->keys_count == 0 ? -EINVAL : r;
}

int join_next_key(struct link *link, struct ipc_next_key *next)
{
	if (next->secret_key[0])
		return own_key(link, next->secret_key, 1);
	if (link->own_count < 2)
		return 0;
	for (uint32_t i = 0; i < link->gateways_count; i++) {
		link->gateways[i].own = 1;
		gateway_dial_now(&link->gateways[i]);
	}
	return 0;
}

void join_refused(struct gateway *gateway)
{
	log_info("the gateway at %s refused this node's %skey: it is not that of a node it knows, "
		 "or was revoked or locked",
		 gateway->endpoint, gateway->own ? "next " : "");
	gateway->own = (gateway->own + 1) % gateway->link->own_count;
	gateway_redial(gateway);
}

/* ---- turns ---- */

/* Those that waited come with new connections; the first to be there is the next. */
static void turn_end(struct link *link)
{
	link->joining = NULL;
	loop_timer_stop(link->loop, &link->join_timer);
	for (uint32_t i = 0; i < link->gateways_count && !link->keeping; i++)
		if (link->gateways[i].state == GATEWAY_TURN)
			gateway_dial_now(&link->gateways[i]);
}

static void join_late(void *ctx)
{
	struct gateway *gateway = ctx;

	log_info("the gateway at %s does not answer", gateway->endpoint);
	gateway_redial(gateway);
}

static void hello(struct gateway *gateway)
{
	struct link *link = gateway->link;

	link->frame.type = LINK_HELLO;
	link_hello_fill(link, &link->frame.u.hello);
	gateway->state = GATEWAY_GREETED;
	gateway_send(gateway, &link->frame);
}

static void enrol(struct gateway *gateway)
{
	struct link *link = gateway->link;
	struct link_enrol *body = &link->frame.u.enrol;

	link->frame.type = LINK_ENROL;
	memset(body, 0, sizeof(*body));
	memcpy(body->name, link->node.name, sizeof(body->name));
	memcpy(body->public_key, link->own[gateway->own].public_key.bytes, LINK_KEY_LEN);
	memcpy(body->secret, link->join_secret, LINK_SECRET_LEN);
	gateway->state = GATEWAY_ENROLLING;
	gateway_send(gateway, &link->frame);
	secret_wipe(body->secret, sizeof(body->secret));
}

void join_start(struct gateway *gateway)
{
	struct link *link = gateway->link;

	if (link->keeping || link->joining) {
		gateway->state = GATEWAY_TURN;
		return;
	}
	link->joining = gateway;
	loop_timer_start(link->loop, &link->join_timer, LINK_JOIN_MS, join_late, gateway);
	if (link->enrol)
		enrol(gateway);
	else
		hello(gateway);
}

void join_down(struct gateway *gateway)
{
	if (gateway->link->joining == gateway)
		turn_end(gateway->link);
}

/* ---- answers ---- */

void join_welcomed(struct gateway *gateway, const struct link_welcome *welcome)
{
	struct link *link = gateway->link;

	loop_timer_stop(link->loop, &link->join_timer);
	link->enrol = false;
	secret_wipe(link->join_secret, sizeof(link->join_secret));
	link->given = (struct ipc_ticket){
		.ticket = welcome->ticket,
		.own_next = gateway->own == 1,
		.gateway_next = gateway->key == 1,
	};
	memcpy(link->given.next_key, welcome->next_key, LINK_KEY_LEN);
	link->keeping = true;
	link_tell(link, IPC_TICKET, &link->given);
}

/* As the monitor does it: what was current is forgotten. */
static void keys_follow(struct link *link)
{
	struct curve_key next;

	if (link->given.own_next && link->own_count == 2) {
		link->own[0] = link->own[1];
		curve_pair_wipe(&link->own[1]);
		link->own_count = 1;
		for (uint32_t i = 0; i < link->gateways_count; i++)
			link->gateways[i].own = 0;
	}
	memcpy(next.bytes, link->given.next_key, LINK_KEY_LEN);
	if (curve_key_check(&next) < 0 && !link->given.gateway_next)
		return;
	link->keys[0] = link->keys[link->given.gateway_next];
	link->keys_count = 1;
	if (curve_key_check(&next) == 0)
		link->keys[link->keys_count++] = next;
	for (uint32_t i = 0; i < link->gateways_count; i++)
		link->gateways[i].key = 0;
}

void join_kept(struct link *link, const struct ipc_ticket_kept *kept)
{
	struct gateway *gateway = link->joining;

	if (!link->keeping)
		return;
	link->keeping = false;
	if (kept->counter == link->given.ticket.counter) {
		link->ticket = link->given.ticket;
		keys_follow(link);
		link->frame.type = LINK_JOIN_ACK;
		link->frame.u.join_ack = kept->counter;
		if (gateway && gateway->state == GATEWAY_WELCOMED)
			gateway_send(gateway, &link->frame);
	}
	turn_end(link);
}

void join_verdict(struct gateway *gateway, const struct link_verdict_body *verdict)
{
	struct link *link = gateway->link;

	if (verdict->code == LINK_V_ENROLLED) {
		log_info("the gateway at %s has registered this node's key", gateway->endpoint);
		link->enrol = false;
		gateway_dial_now(gateway);
		return;
	}
	log_info("the gateway at %s does not let this node in: %s", gateway->endpoint, verdict->text);
	/* It is for an operator to change that: no haste. */
	if (verdict->code != LINK_V_BUSY)
		gateway->redial_ms = LINK_REDIAL_MAX_MS;
	gateway_redial(gateway);
}
