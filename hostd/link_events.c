/* SPDX-License-Identifier: Apache-2.0 */
/* Which gateway the node's events go to, and when they go again. */
#include "hostd/link_role.h"

/*
 * The first that is welcomed stores them for all: they share one store. One of which something was
 * refused comes last: what is told of it is not for it to acknowledge.
 */
static struct gateway *first_welcomed(struct link *link)
{
	struct gateway *found = NULL;

	for (uint32_t i = 0; i < link->gateways_count; i++) {
		struct gateway *gateway = &link->gateways[i];

		if (gateway->state == GATEWAY_WELCOMED &&
		    (!found || (found->accused && !gateway->accused)))
			found = gateway;
	}
	return found;
}

void gateway_events(struct link *link)
{
	struct gateway *gateway = first_welcomed(link);

	for (uint32_t i = 0; gateway && i < link->events_count; i++) {
		if (link->events[i].seq <= gateway->event_sent)
			continue;
		gateway->event_sent = link->events[i].seq;
		link->events_ms = loop_now_ms();
		link->frame.type = LINK_EVENT;
		link->frame.u.event = link->events[i];
		gateway_send(gateway, &link->frame);
	}
}

void gateway_events_again(struct link *link)
{
	struct gateway *gateway = first_welcomed(link);

	if (!gateway || link->events_count == 0 ||
	    loop_now_ms() - link->events_ms < LINK_EVENTS_MS)
		return;
	gateway->event_sent = 0;
	gateway_events(link);
}
