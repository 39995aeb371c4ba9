/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/ticket.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "link/secret.h"

_Static_assert(crypto_auth_BYTES == LINK_TAG_LEN, "a tag is HMAC-SHA-512-256");
_Static_assert(crypto_auth_KEYBYTES == 32, "and its key 32 bytes");

void ticket_sign(const uint8_t key[32], const char *node, uint64_t counter,
		 struct link_ticket *ret_ticket)
{
	char text[LINK_NAME_MAX + 64];
	int len = snprintf(text, sizeof(text), "anchorhold ticket\n%s\n%llu\n", node,
			   (unsigned long long)counter);

	ret_ticket->counter = counter;
	crypto_auth(ret_ticket->tag, (const uint8_t *)text, (unsigned long long)len, key);
}

bool ticket_ok(const uint8_t key[32], const char *node, const struct link_ticket *ticket)
{
	struct link_ticket right;

	ticket_sign(key, node, ticket->counter, &right);
	return ticket->counter != 0 && secret_equal(right.tag, ticket->tag, LINK_TAG_LEN);
}
