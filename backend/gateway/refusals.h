/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who was refused, and why: events of the gateway itself, in the log and in the store, under no
 * node's name. Whoever is refused chooses how often, so that what is written is bounded: the
 * first of a kind from an address is told at once, those of the next minute are counted and told
 * together; beyond REFUSALS_BURST and then one in REFUSALS_EVERY_MS, or REFUSALS_MAX addresses,
 * only a sum is.
 */
#ifndef ANCHORHOLD_GATEWAY_REFUSALS_H
#define ANCHORHOLD_GATEWAY_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/gateway/store.h"

#define REFUSALS_MAX 256u
#define REFUSALS_COUNTED_MS 60000u
#define REFUSALS_BURST 20u
#define REFUSALS_EVERY_MS 5000u

enum refusal {
	REFUSAL_KEY,	   /* at the link: a key of no node */
	REFUSAL_WEAK,	   /* a published or weak key */
	REFUSAL_REVOKED,   /* the key of a node that was revoked */
	REFUSAL_LOCKED,	   /* the key of a node that is locked: two have it */
	REFUSAL_HANDSHAKE, /* no CURVE: NULL, PLAIN, an old ZMTP; or what broke the protocol later */
	REFUSAL_SILENT,	   /* it got in, and said neither HELLO nor ENROL */
	REFUSAL_STRANGER,  /* a key of no node's, while one is awaited, that did not enrol */
	REFUSAL_SECRET,	   /* an enrolment with a secret that is not good */
	REFUSAL_BUSY,	   /* an enrolment among too many */
	REFUSAL_TICKET,	   /* a join with a stale ticket, which locks the node */
	REFUSAL_FRAME,	   /* a node that got in sent what is no frame */
	REFUSAL_NAME,	   /* a node called itself by another's name: its key decides */
	REFUSAL_KERNEL,	   /* a node spoke for another's kernel */
	REFUSAL_MESSAGE,   /* a node refused a message: said before, or of nobody it knows */
	REFUSAL_TOKEN,	   /* a client's token is nobody's */
	REFUSAL_FORBIDDEN, /* an owner asked for an administrator's */
	REFUSAL_KINDS,
};

struct refusals;

/* The store is borrowed. NULL without memory. */
struct refusals *refusals_new(struct store *store);
void refusals_free(struct refusals *refusals);

/* address is an IP address as text or a node's name; the text says what it tried. */
void refusals_tell(struct refusals *refusals, uint64_t now_ms, enum refusal kind,
		   const char *address, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Tells what was counted; called often. */
void refusals_sweep(struct refusals *refusals, uint64_t now_ms);

#endif
