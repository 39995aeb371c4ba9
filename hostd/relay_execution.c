/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/relay_execution.h"

#include <stdio.h>
#include <string.h>

#include "link/json_scan.h"

#define STATUS_MAX 4096u /* bytes of a status message: none needs more */

/* Nearly every message is something else and told apart without parsing. */
static bool may_be_status(const uint8_t *blob, size_t len)
{
	return len <= STATUS_MAX && memmem(blob, len, "execution_state", 15) != NULL;
}

static bool state_of(struct link_slice content, char *ret_state, size_t size)
{
	struct link_slice value;

	return json_member(content.data, content.len, "execution_state", &value) == 0 &&
	       json_string_get(value, ret_state, size) == 0;
}

static enum execution_change begin(struct relay_execution *execution, const char *id,
				   struct link_slice parent)
{
	bool was_busy = execution->busy;

	execution->busy = true;
	snprintf(execution->id, sizeof(execution->id), "%s", id);
	execution->parent_len = 0;
	if (parent.len <= sizeof(execution->parent)) {
		memcpy(execution->parent, parent.data, parent.len);
		execution->parent_len = parent.len;
	}
	return was_busy ? EXECUTION_SAME : EXECUTION_BEGAN;
}

enum execution_change relay_execution_see(struct relay_execution *execution, const uint8_t *blob,
					  size_t len)
{
	struct link_parts parts;
	struct link_header header;
	char state[16];

	if (!may_be_status(blob, len) || link_parts_unpack(blob, len, &parts) < 0 ||
	    link_header_get(parts.part[LINK_HEADER], &header) < 0 ||
	    strcmp(header.msg_type, "status") != 0 ||
	    link_header_get(parts.part[LINK_PARENT], &header) < 0 ||
	    strcmp(header.msg_type, "execute_request") != 0 ||
	    !state_of(parts.part[LINK_CONTENT], state, sizeof(state)))
		return EXECUTION_SAME;
	if (strcmp(state, "busy") == 0)
		return begin(execution, header.msg_id, parts.part[LINK_PARENT]);
	if (strcmp(state, "idle") != 0 || !execution->busy ||
	    strcmp(header.msg_id, execution->id) != 0)
		return EXECUTION_SAME;
	execution->busy = false;
	return EXECUTION_ENDED;
}

struct link_slice relay_execution_parent(const struct relay_execution *execution)
{
	if (!execution->busy || execution->parent_len == 0)
		return (struct link_slice){NULL, 0};
	return (struct link_slice){execution->parent, execution->parent_len};
}
