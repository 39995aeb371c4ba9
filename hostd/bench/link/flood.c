/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood HOST:PORT KERNEL CODE STALL_S: executes the code, reads nothing for so long, and then what
 * it printed, to its end.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "hostd/bench/bench.h"
#include "hostd/bench/link/bench_link.h"
#include "hostd/log.h"

struct flood {
	struct request request;
	uint64_t first_ns, last_ns; /* of a stream message */
	uint64_t messages, bytes;
	bool replied, idle;
};

static int take(struct ws *ws, struct flood *flood)
{
	const uint8_t *data;
	size_t len;
	int r = ws_receive(ws, &data, &len);

	if (r < 0)
		return r;
	switch (answer_of(&flood->request, data, len)) {
	case ANSWER_STREAM:
		flood->last_ns = bench_now_ns();
		if (flood->messages == 0)
			flood->first_ns = flood->last_ns;
		else
			flood->bytes += len; /* in the time from the first on */
		flood->messages++;
		break;
	case ANSWER_REPLY:
		flood->replied = true;
		break;
	case ANSWER_IDLE:
		flood->idle = true;
		break;
	case ANSWER_OTHER:
		break;
	}
	return 0;
}

int bench_flood(int argc, char **argv)
{
	struct flood flood = {0};
	struct ws *ws = NULL;
	unsigned stall;
	double seconds;
	int r;

	if (argc != 5)
		return 2;
	stall = (unsigned)strtoul(argv[4], NULL, 10);
	r = ws_open(argv[1], argv[2], &ws);
	if (r == 0)
		r = request_send(ws, argv[3], &flood.request);
	if (r == 0 && stall > 0)
		sleep(stall);
	while (r == 0 && !(flood.replied && flood.idle))
		r = take(ws, &flood);
	if (r < 0)
		log_error(r, "after %llu messages", (unsigned long long)flood.messages);
	seconds = (double)(flood.last_ns - flood.first_ns) / 1e9;
	figure("flood.delivered", (double)flood.messages, "messages");
	if (seconds > 0) {
		figure("flood.bytes", (double)flood.bytes / seconds / (1 << 20), "MiB/s");
		figure("flood.messages", (double)(flood.messages - 1) / seconds, "1/s");
		figure("flood.size", (double)flood.bytes / (double)(flood.messages - 1), "bytes");
	}
	ws_free(ws);
	return r < 0 ? 1 : 0;
}
