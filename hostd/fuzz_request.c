/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that was taken over sends any bytes: what request_check lets through is in range. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostd/journal.h"
#include "hostd/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct ipc_message *message)
{
	const struct link_request *request = &message->u.request.request;

	if (message->type == IPC_REFUSED && (message->u.refused.gateway >= IPC_GATEWAYS_MAX ||
					     message->u.refused.why >= IPC_REFUSALS))
		abort();
	if (message->type != IPC_REQUEST)
		return;
	if (message->u.request.gateway >= IPC_GATEWAYS_MAX)
		abort();
	if (request->verb == LINK_START && link_id_is_none(request->kernel_id))
		abort();
	if (request->verb == LINK_START && strlen(request->start.environment) >= LINK_NAME_MAX)
		abort();
	if (request->start.network > LINK_NET_EGRESS && request->verb == LINK_START)
		abort();
	if ((request->verb == LINK_START || request->verb == LINK_NETWORK) &&
	    (request->start.egress.rules_count > LINK_EGRESS_RULES_MAX ||
	     request->start.egress.resolvers_count > LINK_RESOLVERS_MAX))
		abort();
	if (request->verb == LINK_LOGS && request->lines > JOURNAL_LINES_MAX)
		abort();
}

static const enum ipc_type rows[] = {
#define REQUEST(type, role, phases, rate, check, handler) type,
#define VERB(verb, check, handler)
#include "hostd/requests.def"
};

/*
 * As it came, or made the length that a row's type has: a mutation hardly finds that, and seeds
 * outlive a change of it.
 */
static bool send_body(int fd, const uint8_t *data, size_t size)
{
	static uint8_t body[sizeof(struct ipc_message)];
	enum ipc_type type = rows[data[0] % (sizeof(rows) / sizeof(rows[0]))];
	size_t len = ipc_size(type);

	if (data[0] & 0x80)
		return send(fd, data + 1, size - 1, MSG_NOSIGNAL) >= 0;
	memset(body, 0, len);
	memcpy(body, data + 1, size - 1 < len ? size - 1 : len);
	return ipc_send(fd, type, body, -1) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ipc_message message;
	static struct worker worker;
	int pair[2];

	if (size < 4 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return 0;
	memset(&worker, 0, sizeof(worker));
	worker.spec.role = data[0] & 1 ? WORKER_LINK : WORKER_RELAY;
	worker.phase = (enum worker_phase)(1u << (data[1] % 3));
	if (send_body(pair[1], data + 2, size - 2) && ipc_receive(pair[0], &message) == 1) {
		if (request_check(&worker, &message) == 0)
			use(&message);
		ipc_message_clear(&message);
	}
	close(pair[0]);
	close(pair[1]);
	return 0;
}
