/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay's side of its stream against a link that sends anything: the input is a row of frames,
 * each a u16 length and its bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostd/outlog.h"
#include "hostd/relay_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int input(void *ctx, enum link_channel channel, uint64_t session, const uint8_t *blob,
		 size_t len)
{
	volatile uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + blob[i]);
	return channel == LINK_CONTROL ? -ENOBUFS : 0;
}

/* Something to send, and somebody to read it. */
static void fill(struct outlog *log)
{
	for (int i = 0; i < 4; i++) {
		struct message message = {.data = calloc(1, 1000), .len = 1000};

		if (message.data)
			outlog_append(log, 1, LINK_IOPUB, (uint64_t)i % 2, &message);
		free(message.data);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct relay_stream_setup setup = {.input = input};
	struct relay_stream *stream = NULL;
	uint8_t drain[1024];
	int pair[2];

	if (loop_new(&setup.loop) < 0 ||
	    outlog_new(setup.kernel_id, LINK_MESSAGE_MAX + 65536, 0, &setup.log) < 0 ||
	    relay_stream_new(&setup, &stream) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	relay_stream_take(stream, pair[0]);
	relay_stream_start(stream, 1, size % 2);
	while (size >= 2) {
		size_t len = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		if (send(pair[1], data, len, MSG_NOSIGNAL) < 0)
			break;
		data += len;
		size -= len;
		fill(setup.log);
		relay_stream_receive(stream);
		(void)relay_stream_send(stream);
		while (recv(pair[1], drain, sizeof(drain), MSG_DONTWAIT) > 0)
			;
	}
	relay_stream_free(stream);
	outlog_free(setup.log);
	loop_free(setup.loop);
	close(pair[1]);
	return 0;
}
