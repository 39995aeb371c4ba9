/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/activity.h"

#include <string.h>

#include "link/json_scan.h"

static const char *const UNTRACKED[] = {
	"comm_info_request",
	"comm_info_reply",
	"kernel_info_request",
	"kernel_info_reply",
	"shutdown_request",
	"shutdown_reply",
	"interrupt_request",
	"interrupt_reply",
	"debug_request",
	"debug_reply",
	"debug_event",
	"stream",
	"display_data",
	"update_display_data",
	"execute_input",
	"execute_result",
	"error",
	"status",
	"clear_output",
	"input_request",
	"input_reply",
	"iopub_welcome",
};

static const char *const NAME[] = {
	[ACTIVITY_STARTING] = "starting",     [ACTIVITY_IDLE] = "idle", [ACTIVITY_BUSY] = "busy",
	[ACTIVITY_RESTARTING] = "restarting", [ACTIVITY_DEAD] = "dead",
};

const char *activity_name(enum activity_state state)
{
	return NAME[state];
}

bool activity_tracked(const char *msg_type)
{
	if (msg_type[0] == '\0')
		return false;
	for (size_t i = 0; i < sizeof(UNTRACKED) / sizeof(UNTRACKED[0]); i++)
		if (strcmp(UNTRACKED[i], msg_type) == 0)
			return false;
	return true;
}

void activity_kernel(struct activity *activity, enum link_kernel_state state, uint64_t now_us)
{
	static const enum activity_state STATE[] = {
		[LINK_KERNEL_STARTING] = ACTIVITY_STARTING,
		[LINK_KERNEL_READY] = ACTIVITY_IDLE,
		[LINK_KERNEL_RESTARTING] = ACTIVITY_RESTARTING,
		[LINK_KERNEL_DEAD] = ACTIVITY_DEAD,
	};

	activity->state = STATE[state];
	activity->last_us = now_us;
}

static void status(struct activity *activity, struct link_slice content, bool tracked)
{
	struct link_slice value;
	char state[16];

	if (json_member(content.data, content.len, "execution_state", &value) < 0 ||
	    json_string_get(value, state, sizeof(state)) < 0)
		return;
	if (strcmp(state, "busy") == 0 && tracked)
		activity->state = ACTIVITY_BUSY;
	else if (strcmp(state, "idle") == 0 && (tracked || activity->state == ACTIVITY_STARTING))
		activity->state = ACTIVITY_IDLE;
}

void activity_settled(struct activity *activity, uint64_t now_us)
{
	if (activity->state != ACTIVITY_BUSY)
		return;
	activity->state = ACTIVITY_IDLE;
	activity->last_us = now_us;
}

void activity_message(struct activity *activity, uint64_t seq, enum link_channel channel,
		      const struct link_parts *parts, const struct link_header *header,
		      const struct link_header *parent, uint64_t now_us)
{
	bool tracked = activity_tracked(parent->msg_type);

	if (seq <= activity->seq)
		return;
	activity->seq = seq;
	if (activity->state == ACTIVITY_DEAD)
		return;
	if (tracked || activity_tracked(header->msg_type) || activity->state == ACTIVITY_BUSY)
		activity->last_us = now_us;
	if (channel == LINK_IOPUB && strcmp(header->msg_type, "status") == 0)
		status(activity, parts->part[LINK_CONTENT], tracked);
}
