/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/frames.h"

#include <errno.h>
#include <string.h>

void frames_init(struct frames *frames)
{
	frames->count = 0;
}

void frames_clear(struct frames *frames)
{
	for (size_t i = 0; i < frames->count; i++)
		zmq_msg_close(&frames->part[i]);
	frames->count = 0;
}

int frames_add(struct frames *frames, const void *data, size_t len)
{
	if (frames->count == FRAMES_MAX)
		return -EMSGSIZE;
	if (zmq_msg_init_size(&frames->part[frames->count], len) < 0)
		return -ENOMEM;
	if (len > 0)
		memcpy(zmq_msg_data(&frames->part[frames->count]), data, len);
	frames->count++;
	return 0;
}

int frames_move(struct frames *to, struct frames *from, size_t index)
{
	size_t moved = from->count > index ? from->count - index : 0;

	if (moved > FRAMES_MAX - to->count)
		return -EMSGSIZE;
	for (size_t i = index; i < from->count; i++) {
		zmq_msg_init(&to->part[to->count]);
		zmq_msg_move(&to->part[to->count], &from->part[i]);
		zmq_msg_close(&from->part[i]);
		to->count++;
	}
	from->count -= moved;
	return 0;
}

struct link_slice frames_get(struct frames *frames, size_t index)
{
	zmq_msg_t *part = &frames->part[index];

	return (struct link_slice){zmq_msg_data(part), zmq_msg_size(part)};
}

static int drain(void *socket)
{
	zmq_msg_t part;
	int more = 1;

	while (more) {
		zmq_msg_init(&part);
		if (zmq_msg_recv(&part, socket, 0) < 0 && errno != EINTR)
			more = 0;
		else
			more = zmq_msg_more(&part);
		zmq_msg_close(&part);
	}
	return -EMSGSIZE;
}

int frames_recv(struct frames *frames, void *socket, int flags)
{
	do {
		zmq_msg_t *part;

		if (frames->count == FRAMES_MAX) {
			frames_clear(frames);
			return drain(socket);
		}
		part = &frames->part[frames->count];
		zmq_msg_init(part);
		while (zmq_msg_recv(part, socket, flags) < 0) {
			int error = errno;

			/* The rest of a begun message is there already. */
			if (error == EINTR && frames->count > 0)
				continue;
			zmq_msg_close(part);
			frames_clear(frames);
			return -error;
		}
		frames->count++;
	} while (zmq_msg_more(&frames->part[frames->count - 1]));
	return 0;
}

int frames_send(struct frames *frames, void *socket, int flags)
{
	for (size_t i = 0; i < frames->count; i++) {
		int more = i + 1 < frames->count ? ZMQ_SNDMORE : 0;

		while (zmq_msg_send(&frames->part[i], socket, flags | more) < 0) {
			if (i == 0)
				return -errno;
			if (errno != EINTR) {
				int error = errno;

				frames_clear(frames);
				return -error;
			}
		}
	}
	frames->count = 0;
	return 0;
}
