/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The count of a node's joins, by which two nodes with one key give themselves away.
 *
 * Each join gives out a ticket with a number that was never given before; the next join must show
 * it. A node stores the ticket, then acknowledges it: until then the one before it stays good too,
 * so that an honest node, whenever it or its gateway loses power, holds a ticket that is good:
 * that of its last acknowledged join, or the one it was given last. What a copy of it holds turns
 * stale with the original's next join, and the other way round: who shows a stale one locks both.
 *
 * Only what is shown over a connection that was let in after the last join is judged: what a dead
 * link had sent may still arrive when its successor has joined already, and is no copy's.
 *
 * A number above all that were given, with a right signature, is from a life of the store that was
 * lost (a power cut, a restored copy): it is taken, for nobody but a gateway can have signed it.
 *
 * Pure: the store keeps the numbers and serialises the calls.
 */
#ifndef ANCHORHOLD_GATEWAY_JOIN_H
#define ANCHORHOLD_GATEWAY_JOIN_H

#include <stdbool.h>
#include <stdint.h>

struct join {
	uint64_t current; /* of the last acknowledged ticket; 0: none */
	uint64_t pending; /* given since then and not acknowledged; 0: none */
	uint64_t issued;  /* the highest ever given */
	bool open;	  /* an operator unlocked it: good whatever it shows, until one is acknowledged */
	bool locked;
};

/*
 * A node shows ticket `counter`; 0: it has none. 0: it is good, and join->pending is the number of
 * the ticket to give it. -ESTALE: it is not, the node is locked now. -EPERM: it was already.
 */
int join_present(struct join *join, uint64_t counter, bool tag_ok);

/* It has stored that ticket. False: that is not the one it was given last, nothing changed. */
bool join_ack(struct join *join, uint64_t counter);

#endif
