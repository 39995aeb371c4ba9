/* SPDX-License-Identifier: Apache-2.0 */
/* Which gateway a kernel's sessions belong to, and what becomes of them when it comes or goes. */
#include <errno.h>
#include <string.h>

#include "hostd/link_role.h"

struct session *entry_session(struct link_entry *entry, uint64_t session)
{
	for (uint32_t i = 0; i < LINK_SESSIONS_MAX; i++)
		if (entry->sessions[i].state != SESSION_NONE && entry->sessions[i].id == session)
			return &entry->sessions[i];
	return NULL;
}

static void detach(struct link *link, struct link_entry *entry, struct session *row)
{
	link->frame.type = LINK_DETACH;
	link->frame.u.session = (struct link_session){.session = row->id};
	memcpy(link->frame.u.session.kernel_id, entry->info.id, LINK_ID_LEN);
	(void)entry_send(link, entry, &link->frame);
	row->state = SESSION_NONE;
}

int entry_attach(struct link *link, struct link_entry *entry, struct gateway *gateway,
		 const struct link_attach *attach)
{
	const uint64_t session = attach->session;
	struct session *row = entry_session(entry, session);

	/* Whoever has it still, has lost its client and does not know it yet, or cannot say it. */
	for (uint32_t i = 0; i < LINK_SESSIONS_MAX; i++) {
		struct session *other = &entry->sessions[i];

		if (other != row && other->state != SESSION_NONE &&
		    LINK_CLIENT(other->id) == LINK_CLIENT(session))
			detach(link, entry, other);
	}
	for (uint32_t i = 0; !row && i < LINK_SESSIONS_MAX; i++)
		if (entry->sessions[i].state == SESSION_NONE)
			row = &entry->sessions[i];
	if (!row)
		return -ENOSPC;
	*row = (struct session){.state = SESSION_ATTACHING, .id = session, .gateway = gateway};
	return 0;
}

void entry_sessions_refuse(struct link *link, struct link_entry *entry)
{
	for (uint32_t i = 0; i < LINK_SESSIONS_MAX; i++) {
		struct session *row = &entry->sessions[i];

		if (row->state == SESSION_ACTIVE || row->state == SESSION_ATTACHING) {
			link->frame.type = LINK_REFUSED;
			link->frame.u.refused = (struct link_refused){
				.session = row->id,
				.code = LINK_E_STALE,
			};
			memcpy(link->frame.u.refused.kernel_id, entry->info.id, LINK_ID_LEN);
			gateway_send(row->gateway, &link->frame);
		}
		row->state = SESSION_NONE;
	}
}

/* ---- gateways that come and go ---- */

void entries_pause(struct link *link, struct gateway *gateway)
{
	uint64_t now = loop_now_ms();

	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++) {
		struct link_entry *entry = &link->kernels[i];

		for (uint32_t j = 0; entry->used && j < LINK_SESSIONS_MAX; j++) {
			struct session *row = &entry->sessions[j];

			if (row->state == SESSION_NONE || row->gateway != gateway)
				continue;
			if (row->state != SESSION_PAUSED)
				row->paused_ms = now;
			row->state = SESSION_PAUSED;
		}
	}
}

void entries_return(struct link *link, struct gateway *gateway)
{
	uint64_t since = loop_now_ms() - LINK_PAUSED_MS + LINK_RETURN_MS;

	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++) {
		struct link_entry *entry = &link->kernels[i];

		for (uint32_t j = 0; entry->used && j < LINK_SESSIONS_MAX; j++)
			if (entry->sessions[j].state == SESSION_PAUSED &&
			    entry->sessions[j].gateway == gateway)
				entry->sessions[j].paused_ms = since;
	}
}

void entries_detach(struct link *link, struct gateway *gateway)
{
	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++) {
		struct link_entry *entry = &link->kernels[i];

		for (uint32_t j = 0; entry->used && j < LINK_SESSIONS_MAX; j++)
			if (entry->sessions[j].state != SESSION_NONE &&
			    entry->sessions[j].gateway == gateway)
				detach(link, entry, &entry->sessions[j]);
	}
}

void entries_tick(struct link *link)
{
	uint64_t now = loop_now_ms();

	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++) {
		struct link_entry *entry = &link->kernels[i];

		for (uint32_t j = 0; entry->used && j < LINK_SESSIONS_MAX; j++)
			if (entry->sessions[j].state == SESSION_PAUSED &&
			    now - entry->sessions[j].paused_ms > LINK_PAUSED_MS)
				detach(link, entry, &entry->sessions[j]);
	}
}
