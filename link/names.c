/* SPDX-License-Identifier: Apache-2.0 */
/* Names that the protocol has for people and texts. */
#include <stddef.h>

#include "link/wire.h"

const char *link_usage_key(size_t i)
{
	static const char *const keys[] = {
		"cpu_usec", "memory_bytes", "memory_peak_bytes", "pids", "io_read_bytes",
		"io_write_bytes", "network_sent_bytes", "network_received_bytes",
		"network_dropped_packets", "output_bytes", "output_messages", "workspace_bytes",
		"workspace_inodes", "wall_ms", "throttled_usec",
	};

	return i < sizeof(keys) / sizeof(keys[0]) ? keys[i] : NULL;
}

const char *link_code_name(enum link_code code)
{
	static const char *const names[] = {
		[LINK_OK] = "ok",
		[LINK_E_INVALID] = "invalid",
		[LINK_E_UNKNOWN] = "unknown",
		[LINK_E_EXISTS] = "exists",
		[LINK_E_ENVIRONMENT] = "no such environment",
		[LINK_E_CAPACITY] = "no capacity",
		[LINK_E_REFUSING] = "node is refusing",
		[LINK_E_SYSTEM] = "system error",
		[LINK_E_STALE] = "stale",
		[LINK_E_DEAD] = "kernel is dead",
		[LINK_E_TOO_LARGE] = "too large",
		[LINK_E_BUSY] = "busy",
		[LINK_E_TIMEOUT] = "timeout",
	};

	return (unsigned int)code < sizeof(names) / sizeof(names[0]) ? names[code] : "?";
}
