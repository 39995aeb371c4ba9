/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "hostd/bench/bench.h"
#include "hostd/bench/link/bench_link.h"
#include "hostd/relay_socket.h"

#define FILE_MAX 4096

/* As jupyter_client has it: a DEALER for shell, a SUB for iopub, signatures made and checked. */
struct direct {
	void *zmq, *shell, *iopub;
	struct jupyter_key key;
	struct relay_frames frames;
};

/* The value of "name" in the connection file, which the bench itself wrote. */
static const char *value_of(const char *json, const char *name)
{
	char quoted[32];
	const char *found;

	snprintf(quoted, sizeof(quoted), "\"%s\":", name);
	found = strstr(json, quoted);
	if (!found)
		return NULL;
	found += strlen(quoted);
	return found + strspn(found, " \"");
}

static int socket_to(struct direct *direct, int type, const char *json, const char *port,
		     void **ret_socket)
{
	const char *value = value_of(json, port);
	const int linger = 0, wait_ms = BENCH_WAIT_S * 1000;
	char endpoint[64];

	if (!value)
		return -EINVAL;
	*ret_socket = zmq_socket(direct->zmq, type);
	if (!*ret_socket)
		return -ENOMEM;
	snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%ld", strtol(value, NULL, 10));
	zmq_setsockopt(*ret_socket, ZMQ_LINGER, &linger, sizeof(linger));
	zmq_setsockopt(*ret_socket, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
	if (type == ZMQ_SUB)
		zmq_setsockopt(*ret_socket, ZMQ_SUBSCRIBE, "", 0);
	return zmq_connect(*ret_socket, endpoint) < 0 ? -zmq_errno() : 0;
}

int direct_open(const char *connection_file, struct direct **ret_direct)
{
	struct direct *direct = calloc(1, sizeof(*direct));
	FILE *file = fopen(connection_file, "re");
	char json[FILE_MAX] = "";
	const char *key;
	int r = 0;

	if (!direct || !file || fread(json, 1, sizeof(json) - 1, file) == 0)
		r = -ENOENT;
	if (file)
		(void)fclose(file);
	key = value_of(json, "key");
	if (r == 0 && (!key || strlen(key) < JUPYTER_KEY_LEN))
		r = -EINVAL;
	if (r == 0) {
		memcpy(direct->key.hex, key, JUPYTER_KEY_LEN);
		direct->zmq = zmq_ctx_new();
		r = direct->zmq ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = socket_to(direct, ZMQ_SUB, json, "iopub_port", &direct->iopub);
	if (r == 0)
		r = socket_to(direct, ZMQ_DEALER, json, "shell_port", &direct->shell);
	if (r < 0)
		direct_free(direct);
	else
		*ret_direct = direct;
	return r;
}

void direct_free(struct direct *direct)
{
	if (!direct)
		return;
	if (direct->shell)
		zmq_close(direct->shell);
	if (direct->iopub)
		zmq_close(direct->iopub);
	if (direct->zmq)
		zmq_ctx_term(direct->zmq);
	free(direct);
}

/* Waits for the first part; the others of a message are then there. */
static int receive(struct direct *direct, void *socket, struct jupyter_message *ret_message)
{
	zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
	int r;

	relay_frames_clear(&direct->frames);
	r = relay_socket_receive(socket, &direct->frames);
	if (r == -EAGAIN && zmq_poll(&item, 1, BENCH_WAIT_S * 1000L) == 1)
		r = relay_socket_receive(socket, &direct->frames);
	if (r == 0)
		r = jupyter_parse(direct->frames.frames, direct->frames.count, ret_message);
	return r < 0 ? r : jupyter_verify(&direct->key, ret_message);
}

static bool is_idle(struct link_slice content)
{
	return content.data && memmem(content.data, content.len, "\"idle\"", 6);
}

int direct_execute(struct direct *direct, const char *code, uint64_t *ret_ns)
{
	struct jupyter_message message = {0};
	struct request request;
	struct link_parts parts = {0};
	char signature[JUPYTER_SIGNATURE_LEN + 1];
	struct link_slice frames[2 + LINK_PARTS_MIN];
	uint64_t began;
	int r;

	began = bench_now_ns();
	r = request_make(&request, code, &parts);
	if (r == 0)
		r = jupyter_sign(&direct->key, &parts, signature);
	frames[0] = (struct link_slice){(const uint8_t *)JUPYTER_DELIMITER, JUPYTER_DELIMITER_LEN};
	frames[1] = (struct link_slice){(const uint8_t *)signature, JUPYTER_SIGNATURE_LEN};
	memcpy(&frames[2], parts.part, LINK_PARTS_MIN * sizeof(frames[0]));
	if (r == 0)
		r = relay_socket_send(direct->shell, frames, 2 + LINK_PARTS_MIN);
	if (r == 0)
		r = receive(direct, direct->shell, &message);
	*ret_ns = bench_now_ns() - began;
	/* Its idle ends it; that is not part of the figure. */
	while (r == 0) {
		r = receive(direct, direct->iopub, &message);
		if (r == 0 && is_idle(message.parts.part[LINK_CONTENT]))
			break;
	}
	relay_frames_clear(&direct->frames);
	return r;
}
