/* SPDX-License-Identifier: Apache-2.0 */
/* What goes to the kernel's sockets and what comes of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd/relay_kernel_self.h"

#define PUMP_MAX 64u /* messages a socket gives before the others have their turn */
#define SESSION_LEN 8u

/* In the order in which they are read: outputs before the reply that ends them, where both wait. */
const enum jupyter_port relay_ports[RELAY_PORTS] = {
	JUPYTER_CONTROL, JUPYTER_STDIN, JUPYTER_IOPUB, JUPYTER_SHELL, JUPYTER_HB,
};

static enum jupyter_port port_of(enum link_channel channel)
{
	static const enum jupyter_port by_channel[LINK_CHANNELS] = {
		[LINK_SHELL] = JUPYTER_SHELL,
		[LINK_CONTROL] = JUPYTER_CONTROL,
		[LINK_STDIN] = JUPYTER_STDIN,
		[LINK_IOPUB] = JUPYTER_IOPUB,
	};

	return by_channel[channel];
}

static enum link_channel channel_of(enum jupyter_port port)
{
	switch (port) {
	case JUPYTER_CONTROL:
		return LINK_CONTROL;
	case JUPYTER_STDIN:
		return LINK_STDIN;
	case JUPYTER_IOPUB:
		return LINK_IOPUB;
	default:
		return LINK_SHELL;
	}
}

static void session_pack(uint64_t session, uint8_t ret[SESSION_LEN])
{
	for (size_t i = 0; i < SESSION_LEN; i++)
		ret[i] = (uint8_t)(session >> (8 * (SESSION_LEN - 1 - i)));
}

/* A kernel that does not echo the ident answers everybody, as stock kernels do with no ident. */
static uint64_t session_of(const struct jupyter_message *message)
{
	uint64_t session = 0;

	if (message->idents_count == 0 || message->ident[0].len != SESSION_LEN)
		return 0;
	for (size_t i = 0; i < SESSION_LEN; i++)
		session = session << 8 | message->ident[0].data[i];
	return session;
}

int relay_kernel_parts(struct relay_kernel *kernel, enum jupyter_port port, uint64_t session,
		       const struct link_parts *parts)
{
	struct link_slice frames[JUPYTER_FRAMES_MAX];
	char signature[JUPYTER_SIGNATURE_LEN + 1];
	uint8_t ident[SESSION_LEN];
	size_t count = 0;
	int r = jupyter_sign(&kernel->key, parts, signature);

	if (r < 0)
		return r;
	session_pack(session, ident);
	frames[count++] = (struct link_slice){ident, SESSION_LEN};
	frames[count++] = (struct link_slice){(const uint8_t *)JUPYTER_DELIMITER,
					      JUPYTER_DELIMITER_LEN};
	frames[count++] = (struct link_slice){(const uint8_t *)signature, JUPYTER_SIGNATURE_LEN};
	for (uint32_t i = 0; i < parts->count; i++)
		frames[count++] = parts->part[i];
	/* Sending may have swallowed the edge that announced something to receive. */
	kernel->awake[port] = true;
	return relay_socket_send(kernel->sockets[port], frames, count);
}

/* ---- to the kernel ---- */

int relay_kernel_send(struct relay_kernel *kernel, enum link_channel channel, uint64_t session,
		      const uint8_t *blob, size_t len)
{
	struct input **last = &kernel->inputs;
	struct input *input;
	struct link_parts parts;
	int r;

	if (channel >= LINK_CHANNELS || channel == LINK_IOPUB)
		return -EINVAL;
	r = link_parts_unpack(blob, len, &parts);
	if (r == 0)
		r = link_parts_check(&parts);
	if (r < 0)
		return r;
	if (kernel->inputs_bytes + len > RELAY_INPUT_MAX ||
	    kernel->inputs_count >= RELAY_INPUTS_MAX)
		return -ENOBUFS;
	input = malloc(sizeof(*input) + len);
	if (!input)
		return -ENOMEM;
	input->next = NULL;
	input->channel = channel;
	input->session = session;
	input->len = len;
	memcpy(input->blob, blob, len);
	while (*last)
		last = &(*last)->next;
	*last = input;
	kernel->inputs_bytes += len;
	kernel->inputs_count++;
	return 0;
}

static int input_send(struct relay_kernel *kernel, const struct input *input)
{
	struct link_parts parts;
	int r = link_parts_unpack(input->blob, input->len, &parts);

	if (r == 0)
		r = relay_kernel_parts(kernel, port_of(input->channel), input->session, &parts);
	return r;
}

/* Control does not wait behind a shell that is full: order holds within a channel only. */
static void inputs_pump(struct relay_kernel *kernel)
{
	bool full[LINK_CHANNELS] = {false};
	struct input **place = &kernel->inputs;

	if (!kernel->ready || kernel->retired)
		return;
	while (*place) {
		struct input *input = *place;

		if (full[input->channel] || input_send(kernel, input) == -EAGAIN) {
			full[input->channel] = true;
			place = &input->next;
			continue;
		}
		*place = input->next;
		kernel->inputs_bytes -= input->len;
		kernel->inputs_count--;
		free(input);
	}
}

/* ---- from the kernel ---- */

static void count_bad(struct relay_kernel *kernel, enum ipc_relay_event_kind kind, uint64_t *count)
{
	(*count)++;
	if (*count == 1)
		kernel->setup.calls->event(kernel->setup.ctx, kind, *count);
}

/* The user must learn that something is missing where it is missing. */
static void tell_too_large(struct relay_kernel *kernel, size_t bytes)
{
	struct message message = {0};
	char text[160];

	count_bad(kernel, IPC_RELAY_TOO_LARGE, &kernel->too_large);
	snprintf(text, sizeof(text),
		 "[anchorhold: a message of %zu bytes was left out: the limit is %u bytes]\n",
		 bytes, LINK_MESSAGE_MAX);
	if (message_stderr(text, &message) == 0)
		kernel->setup.calls->message(kernel->setup.ctx, LINK_IOPUB, 0, &message);
	free(message.data);
}

/* Does it answer the question of ours with this id? */
static bool answers(const struct jupyter_message *message, const char id[MESSAGE_ID_LEN + 1])
{
	struct link_slice parent = message->parts.part[LINK_PARENT];
	struct link_header header;

	if (!memmem(parent.data, parent.len, id, MESSAGE_ID_LEN))
		return false;
	return link_header_get(parent, &header) == 0 && strcmp(header.msg_id, id) == 0;
}

static void hand_on(struct relay_kernel *kernel, enum jupyter_port port,
		    const struct jupyter_message *message)
{
	struct message blob = {0};
	uint64_t to = port == JUPYTER_IOPUB ? 0 : session_of(message);
	size_t size = link_parts_size(&message->parts);

	if (size == 0) {
		tell_too_large(kernel, kernel->frames.bytes);
		return;
	}
	blob.data = malloc(size);
	if (!blob.data)
		return;
	if (link_parts_pack(&message->parts, blob.data, size, &blob.len) == 0)
		kernel->setup.calls->message(kernel->setup.ctx, channel_of(port), to, &blob);
	free(blob.data);
}

static void take_message(struct relay_kernel *kernel, enum jupyter_port port)
{
	struct jupyter_message message;
	int r = jupyter_parse(kernel->frames.frames, kernel->frames.count, &message);

	if (r == 0)
		r = jupyter_verify(&kernel->key, &message);
	if (r == 0)
		r = link_parts_check(&message.parts);
	if (r < 0) {
		count_bad(kernel, IPC_RELAY_BAD_MESSAGE, &kernel->bad);
		return;
	}
	if (port == JUPYTER_IOPUB)
		kernel->published = true;
	if (answers(&message, kernel->settle_id)) {
		if (port == JUPYTER_SHELL)
			kernel->setup.calls->settled(kernel->setup.ctx);
		return;
	}
	if (answers(&message, kernel->probe_id)) {
		if (port != JUPYTER_IOPUB)
			kernel->answered = true;
		relay_kernel_prove(kernel);
		return;
	}
	hand_on(kernel, port, &message);
}

static void take_beat(struct relay_kernel *kernel)
{
	kernel->beats_missed = 0;
}

/* One message of the socket, where one waits; -EAGAIN where there is no room for it. */
static int receive_one(struct relay_kernel *kernel, enum jupyter_port port)
{
	int r;

	/* One answer a beat: a kernel that sends them for ever waits at the socket's mark. */
	if (port == JUPYTER_HB && kernel->beats_missed == 0)
		return -EAGAIN;
	/* Only for one that waits is room asked: what is held back counts as held. */
	if (port != JUPYTER_HB && !kernel->setup.calls->room(kernel->setup.ctx))
		return -EAGAIN;
	r = relay_socket_receive(kernel->sockets[port], &kernel->frames);
	if (r == -EMSGSIZE) {
		kernel->setup.calls->passed(kernel->setup.ctx, kernel->frames.bytes);
		tell_too_large(kernel, kernel->frames.bytes);
		return 0;
	}
	if (r < 0)
		return -EAGAIN;
	if (port == JUPYTER_HB) {
		take_beat(kernel);
	} else {
		kernel->setup.calls->passed(kernel->setup.ctx, kernel->frames.bytes);
		take_message(kernel, port);
	}
	relay_frames_clear(&kernel->frames);
	return 0;
}

/*
 * A connection of iopub that broke and came back has lost what was under way, above all a frame
 * over RELAY_FRAME_MAX. One that does not come back is the kernel's end.
 */
static void watch_pump(struct relay_kernel *kernel)
{
	enum relay_watch event;
	struct message message = {0};

	while ((event = relay_watch_next(kernel->watch)) != RELAY_WATCH_NONE) {
		if (event == RELAY_WATCH_DOWN) {
			kernel->cut = true;
			continue;
		}
		if (!kernel->cut || kernel->retired)
			continue;
		kernel->cut = false;
		count_bad(kernel, IPC_RELAY_TOO_LARGE, &kernel->too_large);
		if (message_stderr("[anchorhold: the kernel's output connection broke, most likely "
				   "over a message far beyond the limit; output may be missing "
				   "here]\n", &message) == 0)
			kernel->setup.calls->message(kernel->setup.ctx, LINK_IOPUB, 0, &message);
		free(message.data);
	}
}

/* Its mark was reached, and is no more: what waits for it can go. */
static bool input_waits(const struct relay_kernel *kernel, enum jupyter_port port)
{
	if (!kernel->ready || kernel->retired)
		return false;
	for (const struct input *input = kernel->inputs; input; input = input->next)
		if (port_of(input->channel) == port)
			return true;
	return false;
}

/* True where another call would move more at once. */
static bool port_pump(struct relay_kernel *kernel, enum jupyter_port port)
{
	void *socket = kernel->sockets[port];
	unsigned taken = 0;
	/* Asking for the events is also what lets libzmq work in this thread. */
	unsigned events = relay_socket_events(socket);

	while (taken < PUMP_MAX && (events & ZMQ_POLLIN) && receive_one(kernel, port) == 0) {
		events = relay_socket_events(socket);
		taken++;
	}
	/* What there is no room for is looked at again whenever anything happens. */
	kernel->awake[port] = (events & ZMQ_POLLIN) != 0;
	return taken == PUMP_MAX || ((events & ZMQ_POLLOUT) && input_waits(kernel, port));
}

bool relay_kernel_pump(struct relay_kernel *kernel)
{
	const bool was_ready = kernel->ready;
	bool more = false;

	inputs_pump(kernel);
	if (kernel->watch_awake)
		watch_pump(kernel);
	kernel->watch_awake = false;
	for (size_t i = 0; i < RELAY_PORTS; i++)
		if (kernel->awake[relay_ports[i]])
			more |= port_pump(kernel, relay_ports[i]);
	/* What waited for it to be ready goes at once. */
	return more || kernel->ready != was_ready;
}
