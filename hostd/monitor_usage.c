/* SPDX-License-Identifier: Apache-2.0 */
/* What a kernel has used, in the words of LINK_USAGE. */
#include <stdio.h>

#include "hostd/monitor.h"

size_t usage_text(const struct kernel *kernel, char *ret_text, size_t size)
{
	const struct watch *watch = &kernel->watch;
	struct workspace_usage workspace = {0};
	struct cell_usage usage = {0};
	struct egress_traffic traffic;
	size_t at = 0;

	if (kernel->cell)
		cell_usage(kernel->cell, CELL_USAGE_ALL, &usage);
	(void)network_traffic(kernel, &traffic);
	if (kernel->workspace.fd >= 0)
		(void)workspace_usage(&kernel->monitor->workspaces, &kernel->workspace, &workspace);

	const struct {
		const char *key;
		uint64_t value;
	} rows[] = {
		{"cpu_usec", usage.cpu_usec},
		{"memory_bytes", usage.memory_bytes},
		{"memory_peak_bytes", usage.memory_peak_bytes},
		{"pids", usage.pids},
		{"io_read_bytes", usage.io_read_bytes},
		{"io_write_bytes", usage.io_write_bytes},
		{"network_sent_bytes", traffic.sent_bytes},
		{"network_received_bytes", traffic.received_bytes},
		{"network_dropped_packets",
		 traffic.refused_packets + traffic.limited_packets + traffic.spent_packets},
		{"output_bytes", watch->known.output_lost.bytes + watch->known.output.bytes},
		{"output_messages", watch->known.output_lost.messages + watch->known.output.messages},
		{"workspace_bytes", workspace.used.bytes},
		{"workspace_inodes", workspace.used.inodes},
		{"wall_ms", loop_now_ms() - kernel->started_ms},
		{"throttled_usec", usage.throttled_usec},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && at < size; i++) {
		int len = snprintf(ret_text + at, size - at, "%s %llu\n", rows[i].key,
				   (unsigned long long)rows[i].value);

		at += len < 0 ? 0 : (size_t)len;
	}
	return at < size ? at : size - 1;
}
