/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/kernel.h"

#include <stdio.h>
#include <string.h>

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

void kernel_reason(const struct kernel *kernel, char *ret_text, size_t size)
{
	static const char *const WHY[] = {
		[LINK_WHY_NONE] = "the kernel is gone",
		[LINK_WHY_STOPPED] = "the kernel was stopped",
		[LINK_WHY_EXITED] = "the kernel exited",
		[LINK_WHY_SIGNAL] = "the kernel was killed",
		[LINK_WHY_MEMORY] = "out of memory: the kernel was killed at its memory limit",
		[LINK_WHY_START] = "the kernel did not become ready",
		[LINK_WHY_RELAY] = "the kernel's relay was lost",
		[LINK_WHY_WALL] = "the kernel was stopped at its wall-clock limit",
		[LINK_WHY_IDLE] = "the kernel was stopped at its idle limit",
		[LINK_WHY_EXECUTION] = "the kernel was ended at its limit of an execution's time",
		[LINK_WHY_STALLED] = "the kernel was ended: it stalled at its memory limit",
	};
	unsigned reason = kernel->reason < sizeof(WHY) / sizeof(WHY[0]) ? kernel->reason : 0;
	char detail[48] = "";

	if (reason == LINK_WHY_EXITED)
		snprintf(detail, sizeof(detail), " with code %d", (int)kernel->status);
	else if (reason == LINK_WHY_SIGNAL)
		snprintf(detail, sizeof(detail), " by signal %d (%s)", (int)kernel->status,
			 kernel->status > 0 && kernel->status < 65
				 ? strsignal(kernel->status)
				 : "unknown");
	snprintf(ret_text, size, "%s%s%s%s", WHY[reason], detail, kernel->why[0] ? ": " : "",
		 kernel->why);
}
