/* SPDX-License-Identifier: Apache-2.0 */
/* What was refused of the gateways, as events of the node's own: no honest one has seen it. */
#include "hostd/message.h"
#include "hostd/monitor.h"

#define KEY_TEXT_MAX (CURVE_PRINT_LEN + 1u)

static const char *const what[IPC_REFUSALS] = {
	[IPC_REFUSAL_KEY] = "what answers there did not prove that it holds the pinned key",
	[IPC_REFUSAL_FRAME] = "it sent what is no frame, or not a gateway's to send then, with the key",
	[IPC_REFUSAL_MESSAGE] = "it sent a message said before, or of no session that there is, "
				"with the key",
};

/* Of the pin that it was tried by; where that one is gone meanwhile, of the one that is left. */
static void print_key(const struct monitor *monitor, bool next, char ret[KEY_TEXT_MAX])
{
	const char *text = monitor->pins[next && monitor->pins[1][0]];
	struct curve_key key;

	ret[0] = '\0';
	if (curve_key_parse(text, IPC_KEY_LEN, &key) == 0)
		curve_key_print(&key, ret);
}

static void tell(struct monitor *monitor, uint32_t gateway, uint32_t why)
{
	const struct ipv4_endpoint *endpoint = &monitor->conf.gateways[gateway];
	struct monitor_refused *row = &monitor->refused[gateway][why];
	char address[IPV4_TEXT_MAX];
	char key[KEY_TEXT_MAX];
	char first[MESSAGE_DATE_MAX];
	char last[MESSAGE_DATE_MAX];

	ipv4_format(endpoint->address, address);
	print_key(monitor, row->next_key, key);
	message_date(row->refused.first_ms * 1000, first);
	message_date(row->refused.last_ms * 1000, last);
	monitor_event(monitor, NULL, "refused.gateway", "%s:%u: %s %s: %llu, from %s to %s",
		      address, endpoint->port, what[why], key,
		      (unsigned long long)row->refused.untold, first, last);
	refused_told(&row->refused, loop_now_ms(), monitor->events.mark.last);
}

void refused_tell(struct monitor *monitor)
{
	for (uint32_t i = 0; i < monitor->conf.gateways_count; i++)
		for (uint32_t why = 1; why < IPC_REFUSALS; why++)
			if (refused_is_due(&monitor->refused[i][why].refused, loop_now_ms(),
					   monitor->events.mark.acked))
				tell(monitor, i, why);
}

void refused_note(struct monitor *monitor, const struct ipc_refused *refused)
{
	struct monitor_refused *row = &monitor->refused[refused->gateway][refused->why];

	row->next_key = refused->next_key != 0;
	refused_add(&row->refused, refused->count, event_now_ms());
	refused_tell(monitor);
}
