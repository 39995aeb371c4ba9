/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void waiting_take(struct waiting *waiting, void *socket)
{
	if (!waiting->list)
		waiting->list = calloc(WAITING_MAX, sizeof(*waiting->list));
	while (waiting->list && waiting->count < WAITING_MAX) {
		struct frames *frames = &waiting->list[waiting->count];
		int rc;

		frames_init(frames);
		rc = frames_recv(frames, socket, ZMQ_DONTWAIT);
		if (rc == 0)
			waiting->count++;
		else if (rc != -EMSGSIZE && rc != -EINTR)
			break;
	}
	if (waiting->count == 0)
		waiting_clear(waiting);
}

bool waiting_next(struct waiting *waiting, struct frames *ret_frames)
{
	if (waiting->at == waiting->count) {
		waiting_clear(waiting);
		return false;
	}
	frames_move(ret_frames, &waiting->list[waiting->at++], 0);
	return true;
}

void waiting_clear(struct waiting *waiting)
{
	for (size_t i = waiting->at; i < waiting->count; i++)
		frames_clear(&waiting->list[i]);
	free(waiting->list);
	memset(waiting, 0, sizeof(*waiting));
}
