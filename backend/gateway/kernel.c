/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/kernel.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define NODE_SAYS "Anchorhold: " /* before its sentences, for a terminal */

const char *kernel_state_name(uint8_t state)
{
	static const char *const NAME[] = {
		[0] = "unknown",
		[LINK_KERNEL_STARTING] = "starting",
		[LINK_KERNEL_READY] = "ready",
		[LINK_KERNEL_RESTARTING] = "restarting",
		[LINK_KERNEL_DEAD] = "dead",
	};

	return state < sizeof(NAME) / sizeof(NAME[0]) ? NAME[state] : "unknown";
}

static const struct {
	const char *name;
	const char *text;
	size_t limit; /* of struct link_start, a uint32_t; 0: there is none */
	const char *unit;
} WHY[] = {
#define LIMIT(member) offsetof(struct link_start, member)
	[LINK_WHY_NONE] = {"unknown", "the kernel is gone", 0, ""},
	[LINK_WHY_STOPPED] = {"stopped", "the kernel was stopped", 0, ""},
	[LINK_WHY_EXITED] = {"exited", "the kernel exited", 0, ""},
	[LINK_WHY_SIGNAL] = {"signal", "the kernel was killed", 0, ""},
	[LINK_WHY_MEMORY] = {"memory", "memory limit", LIMIT(memory_mib), "MiB"},
	[LINK_WHY_START] = {"start", "the kernel did not become ready", 0, ""},
	[LINK_WHY_RELAY] = {"relay", "the kernel's relay was lost", 0, ""},
	[LINK_WHY_WALL] = {"wall", "wall-clock limit", LIMIT(wall_s), "s"},
	[LINK_WHY_IDLE] = {"idle", "idle limit", LIMIT(idle_s), "s"},
	[LINK_WHY_EXECUTION] = {"execution", "limit of an execution's time", LIMIT(execution_s),
				"s"},
	[LINK_WHY_STALLED] = {"stalled", "memory limit", LIMIT(memory_mib), "MiB"},
#undef LIMIT
};

static unsigned reason_of(const struct kernel *kernel)
{
	return kernel->reason < sizeof(WHY) / sizeof(WHY[0]) ? kernel->reason : LINK_WHY_NONE;
}

bool kernel_limit(const struct kernel *kernel)
{
	return WHY[reason_of(kernel)].limit != 0;
}

const char *kernel_reason_name(const struct kernel *kernel)
{
	return kernel->state == LINK_KERNEL_DEAD ? WHY[reason_of(kernel)].name : "";
}

/*
 * "the kernel was ended: its memory limit of 512 MiB was reached", or what the node said: it knows
 * its defaults, and how it came about.
 */
static void limit_text(const struct kernel *kernel, unsigned reason, char *ret_text, size_t size)
{
	char value[32] = "";
	uint32_t limit;

	if (kernel->why[0] != '\0') {
		const char *said = kernel->why;

		if (strncmp(said, NODE_SAYS, strlen(NODE_SAYS)) == 0)
			said += strlen(NODE_SAYS);
		snprintf(ret_text, size, "%s", said);
		return;
	}
	memcpy(&limit, (const uint8_t *)&kernel->start + WHY[reason].limit, sizeof(limit));
	if (limit != 0)
		snprintf(value, sizeof(value), " of %u %s", (unsigned)limit, WHY[reason].unit);
	snprintf(ret_text, size, "the kernel was ended: %s%s%s was reached",
		 reason == LINK_WHY_STALLED ? "it stalled, its " : "its ", WHY[reason].text, value);
}

void kernel_reason(const struct kernel *kernel, char *ret_text, size_t size)
{
	unsigned reason = reason_of(kernel);
	size_t at;

	if (WHY[reason].limit != 0) {
		limit_text(kernel, reason, ret_text, size);
		return;
	}
	if (reason == LINK_WHY_EXITED)
		snprintf(ret_text, size, "%s with code %d", WHY[reason].text, (int)kernel->status);
	else if (reason == LINK_WHY_SIGNAL)
		snprintf(ret_text, size, "%s by signal %d (%s)", WHY[reason].text,
			 (int)kernel->status,
			 kernel->status > 0 && kernel->status < 65 ? strsignal(kernel->status)
								   : "unknown");
	else
		snprintf(ret_text, size, "%s", WHY[reason].text);
	at = strlen(ret_text);
	if (kernel->why[0] != '\0')
		snprintf(ret_text + at, size - at, ": %s", kernel->why);
}
