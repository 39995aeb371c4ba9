/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/relay_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "link/wire.h"

static int set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value)) < 0 ? -zmq_errno() : 0;
}

static int set_options(void *socket, enum jupyter_port port,
		       const uint8_t routing_id[RELAY_ROUTING_LEN])
{
	int64_t frame_max = RELAY_FRAME_MAX;
	int r = set_int(socket, ZMQ_LINGER, 0);

	r = r ? r : set_int(socket, ZMQ_RCVHWM, RELAY_RCVHWM);
	r = r ? r : set_int(socket, ZMQ_SNDHWM, RELAY_SNDHWM);
	r = r ? r : set_int(socket, ZMQ_RECONNECT_IVL, 100);
	r = r ? r : set_int(socket, ZMQ_RECONNECT_IVL_MAX, 2000);
	/* Nothing queues for a kernel that is not there. */
	r = r ? r : set_int(socket, ZMQ_IMMEDIATE, 1);
	if (r == 0 && zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof(frame_max)) < 0)
		r = -zmq_errno();
	if (r < 0)
		return r;
	if (port == JUPYTER_IOPUB)
		r = zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
	else
		r = zmq_setsockopt(socket, ZMQ_ROUTING_ID, routing_id, RELAY_ROUTING_LEN);
	return r < 0 ? -zmq_errno() : 0;
}

int relay_socket_new(void *zmq, enum jupyter_port port,
		     const uint8_t routing_id[RELAY_ROUTING_LEN], void **ret_socket)
{
	void *socket = zmq_socket(zmq, port == JUPYTER_IOPUB ? ZMQ_SUB : ZMQ_DEALER);
	int r;

	if (!socket)
		return -zmq_errno();
	r = set_options(socket, port, routing_id);
	if (r < 0) {
		zmq_close(socket);
		return r;
	}
	*ret_socket = socket;
	return 0;
}

void relay_socket_path(enum jupyter_port port, uint32_t incarnation, char *ret, size_t size)
{
	snprintf(ret, size, "k%u-%d", incarnation, (int)port);
}

int relay_socket_connect(void *socket, enum jupyter_port port, uint32_t incarnation)
{
	char path[32];
	char endpoint[48];

	relay_socket_path(port, incarnation, path, sizeof(path));
	snprintf(endpoint, sizeof(endpoint), "ipc://%s", path);
	return zmq_connect(socket, endpoint) < 0 ? -zmq_errno() : 0;
}

/* The rest of a message over a ceiling is read and thrown away: the next one must be whole. */
static void drain(void *socket, struct relay_frames *frames, bool more)
{
	while (more) {
		zmq_msg_t message;

		zmq_msg_init(&message);
		if (zmq_msg_recv(&message, socket, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&message);
			return;
		}
		frames->bytes += zmq_msg_size(&message);
		more = zmq_msg_more(&message);
		zmq_msg_close(&message);
	}
}

int relay_socket_receive(void *socket, struct relay_frames *frames)
{
	bool more = true;

	frames->count = 0;
	frames->bytes = 0;
	while (more) {
		zmq_msg_t *message = &frames->messages[frames->count];

		zmq_msg_init(message);
		if (zmq_msg_recv(message, socket, ZMQ_DONTWAIT) < 0) {
			int error = zmq_errno();

			zmq_msg_close(message);
			relay_frames_clear(frames);
			return -error;
		}
		frames->frames[frames->count] = (struct link_slice){
			.data = zmq_msg_data(message),
			.len = zmq_msg_size(message),
		};
		frames->bytes += zmq_msg_size(message);
		frames->count++;
		more = zmq_msg_more(message);
		if (frames->bytes > LINK_MESSAGE_MAX ||
		    (more && frames->count == JUPYTER_FRAMES_MAX)) {
			drain(socket, frames, more);
			relay_frames_clear(frames);
			return -EMSGSIZE;
		}
	}
	return 0;
}

void relay_frames_clear(struct relay_frames *frames)
{
	for (size_t i = 0; i < frames->count; i++)
		zmq_msg_close(&frames->messages[i]);
	frames->count = 0;
}

int relay_socket_send(void *socket, const struct link_slice *frames, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);

		/* Only the first can meet the mark: libzmq counts whole messages. */
		if (zmq_send(socket, frames[i].data, frames[i].len, flags) < 0)
			return -zmq_errno();
	}
	return 0;
}

int relay_watch_new(void *zmq, void *socket, void **ret_watch)
{
	char endpoint[64];

	snprintf(endpoint, sizeof(endpoint), "inproc://watch-%p", socket);
	if (zmq_socket_monitor(socket, endpoint,
			       ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) < 0)
		return -zmq_errno();
	*ret_watch = zmq_socket(zmq, ZMQ_PAIR);
	if (*ret_watch && zmq_connect(*ret_watch, endpoint) == 0)
		return 0;
	return -zmq_errno();
}

enum relay_watch relay_watch_next(void *watch)
{
	uint8_t bytes[6] = {0};
	char address[8];
	uint16_t event;

	/* The event, then the endpoint, of which nothing is wanted. */
	if (zmq_recv(watch, bytes, sizeof(bytes), ZMQ_DONTWAIT) != (int)sizeof(bytes))
		return RELAY_WATCH_NONE;
	(void)zmq_recv(watch, address, sizeof(address), ZMQ_DONTWAIT);
	memcpy(&event, bytes, sizeof(event));
	return event == ZMQ_EVENT_DISCONNECTED ? RELAY_WATCH_DOWN : RELAY_WATCH_UP;
}

unsigned relay_socket_events(void *socket)
{
	int events = 0;
	size_t len = sizeof(events);

	if (zmq_getsockopt(socket, ZMQ_EVENTS, &events, &len) < 0)
		return 0;
	return (unsigned)events;
}

int relay_socket_fd(void *socket)
{
	int fd = -1;
	size_t len = sizeof(fd);

	zmq_getsockopt(socket, ZMQ_FD, &fd, &len);
	return fd;
}
