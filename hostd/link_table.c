/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels that the link knows of. A dead one stays for a while: its death may have been told to
 * a connection that was no more, or to none, and nobody but the link still knows how it died.
 */
#include <string.h>

#include "hostd/link_role.h"

struct link_entry *entry_find(struct link *link, const uint8_t id[LINK_ID_LEN])
{
	for (uint32_t i = 0; i < link->kernels_end; i++)
		if (link->kernels[i].used &&
		    memcmp(link->kernels[i].info.id, id, LINK_ID_LEN) == 0)
			return &link->kernels[i];
	return NULL;
}

static bool is_buried(const struct link_entry *entry)
{
	return entry->info.state == LINK_KERNEL_DEAD && entry->fd < 0;
}

/* A free one, or that of the kernel that died first: the living ones need it more. */
static struct link_entry *entry_free(struct link *link)
{
	struct link_entry *oldest = NULL;

	for (uint32_t i = 0; i < LINK_KERNELS_MAX; i++) {
		struct link_entry *entry = &link->kernels[i];

		if (!entry->used)
			return entry;
		if (is_buried(entry) && (!oldest || entry->died_ms < oldest->died_ms))
			oldest = entry;
	}
	return oldest;
}

struct link_entry *entry_new(struct link *link, const uint8_t id[LINK_ID_LEN])
{
	struct link_entry *entry = entry_free(link);
	uint32_t i = entry ? (uint32_t)(entry - link->kernels) : 0;

	if (!entry)
		return NULL;
	*entry = (struct link_entry){.used = true, .fd = -1};
	memcpy(entry->info.id, id, LINK_ID_LEN);
	if (i >= link->kernels_end)
		link->kernels_end = i + 1;
	return entry;
}

/* ---- deaths ---- */

static void note_death(struct link *link, struct link_entry *entry, const struct link_kernel *death)
{
	entry->death = *death;
	if (entry->died_ms == 0)
		entry->died_ms = loop_now_ms();
	for (uint32_t i = 0; i < link->gateways_count; i++)
		if (link->gateways[i].state == GATEWAY_WELCOMED && entry->told_ms == 0)
			entry->told_ms = loop_now_ms();
}

void entries_deaths(struct gateway *gateway)
{
	struct link *link = gateway->link;

	for (uint32_t i = 0; i < link->kernels_end; i++) {
		struct link_entry *entry = &link->kernels[i];

		if (!entry->used || entry->info.state != LINK_KERNEL_DEAD)
			continue;
		link->frame.type = LINK_KERNEL;
		link->frame.u.kernel = entry->death;
		gateway_send(gateway, &link->frame);
		if (entry->told_ms == 0)
			entry->told_ms = loop_now_ms();
	}
}

void entries_bury(struct link *link)
{
	uint64_t now = loop_now_ms();

	for (uint32_t i = 0; i < link->kernels_end; i++) {
		struct link_entry *entry = &link->kernels[i];

		if (entry->used && is_buried(entry) && entry->told_ms != 0 &&
		    now - entry->told_ms > LINK_DEATH_MS)
			entry->used = false;
	}
}

/* ---- what the monitor says ---- */

void entry_update(struct link *link, const struct ipc_kernel *update)
{
	const bool dead = update->kernel.state == LINK_KERNEL_DEAD;
	struct link_entry *entry = entry_find(link, update->kernel.kernel_id);

	/* Its last words, why it died among them, go before the news of its death. */
	if (entry && entry->fd >= 0 && dead) {
		entry->readable = true;
		(void)entry_pump(link, entry);
	}
	/* Under the number of one that is gone another begins. */
	if (entry && is_buried(entry) && !dead)
		entry->used = false;
	if (!entry || !entry->used)
		entry = entry_new(link, update->kernel.kernel_id);
	link->frame.type = LINK_KERNEL;
	link->frame.u.kernel = update->kernel;
	gateways_send(link, &link->frame);
	if (!entry)
		return;
	entry->info.incarnation = update->kernel.incarnation;
	entry->info.state = update->kernel.state;
	memcpy(entry->info.environment, update->environment, sizeof(update->environment));
	memcpy(entry->info.project, update->project, sizeof(update->project));
	if (dead)
		note_death(link, entry, &update->kernel);
	else
		entry->died_ms = entry->told_ms = 0;
}
