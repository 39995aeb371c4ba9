/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets are signed with a key that only the gateways have, by the store they share. */
#ifndef ANCHORHOLD_GATEWAY_TICKET_H
#define ANCHORHOLD_GATEWAY_TICKET_H

#include <stdbool.h>

#include "link/wire.h"

/* The node's ticket of that number. */
void ticket_sign(const uint8_t key[32], const char *node, uint64_t counter,
		 struct link_ticket *ret_ticket);

/* Time does not depend on where a wrong tag differs. False for counter 0. */
bool ticket_ok(const uint8_t key[32], const char *node, const struct link_ticket *ticket);

#endif
