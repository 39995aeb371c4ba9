/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the node refuses of a gateway, counted for the monitor, which makes events of it: a gateway
 * that is none, or not the one it was, keeps to itself what was refused of it.
 */
#include <string.h>

#include "hostd/link_role.h"

void gateway_refused(struct gateway *gateway, enum ipc_refusal why)
{
	if (gateway->refused[why].count < UINT32_MAX)
		gateway->refused[why].count++;
	gateway->refused[why].next_key = gateway->key == 1;
	if (why != IPC_REFUSAL_KEY)
		gateway->accused = true;
}

/* Seq 0 is an ATTACH; any other code is how the node is. */
void gateway_refused_message(struct gateway *gateway, const struct link_refused *refused)
{
	if (refused->seq != 0 &&
	    (refused->code == LINK_E_STALE || refused->code == LINK_E_UNKNOWN))
		gateway_refused(gateway, IPC_REFUSAL_MESSAGE);
}

static bool tell(struct gateway *gateway, enum ipc_refusal why)
{
	const struct ipc_refused body = {
		.gateway = gateway->index,
		.why = why,
		.next_key = gateway->refused[why].next_key,
		.count = gateway->refused[why].count,
	};

	if (body.count == 0)
		return false;
	gateway->refused[why].count = 0;
	link_tell(gateway->link, IPC_REFUSED, &body);
	return true;
}

void gateways_tell_refused(struct link *link)
{
	uint64_t now = loop_now_ms();
	bool told = false;

	if (link->refused_ms != 0 && now - link->refused_ms < LINK_REFUSED_MS)
		return;
	for (uint32_t i = 0; i < link->gateways_count; i++)
		for (unsigned why = 1; why < IPC_REFUSALS; why++)
			told |= tell(&link->gateways[i], (enum ipc_refusal)why);
	if (told)
		link->refused_ms = now;
}
