/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/attack/taken.h"

#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostd/attack/attempt.h"
#include "hostd/ipc.h"
#include "hostd/loop.h"

#define ARENA 65536u

struct state {
	struct taken_text *text;
	long results[10]; /* of the first calls */
	long last;
	int calls;
	int stream;
	struct ipc_message message;
	uint8_t arena[ARENA];
};

void taken_say(struct taken_text *text, const char *format, ...)
{
	size_t room = sizeof(text->bytes) - text->len;
	va_list list;
	int len;

	va_start(list, format);
	len = vsnprintf(text->bytes + text->len, room, format, list);
	va_end(list);
	if (len > 0)
		text->len += (size_t)len < room ? (size_t)len : room - 1;
}

/* Each word's text goes on behind what was read of it. */
static size_t take_offset(char **at)
{
	size_t offset = strtoul(*at, at, 0) % ARENA;

	if (**at == ':')
		(*at)++;
	return offset;
}

static long take_argument(struct state *state, char **at)
{
	char *word = *at;

	if (*word == '@') {
		*at = word + 1;
		return (long)(uintptr_t)(state->arena + take_offset(at));
	}
	if (strncmp(word, "$S", 2) == 0) {
		*at = word + 2;
		return state->stream;
	}
	if (*word == '$') {
		bool which = word[1] >= '0' && word[1] <= '9';

		*at = word + (which ? 2 : 1);
		return which ? state->results[word[1] - '0'] : state->last;
	}
	return (long)strtoull(word, at, 0);
}

static void do_put(struct state *state, char *at)
{
	size_t offset = take_offset(&at);
	char byte[3] = "";

	for (; at[0] && at[1] && offset < ARENA; at += 2, offset++) {
		memcpy(byte, at, 2);
		state->arena[offset] = (uint8_t)strtoul(byte, NULL, 16);
	}
}

static void do_text(struct state *state, char *at)
{
	size_t offset = take_offset(&at);

	snprintf((char *)state->arena + offset, ARENA - offset, "%s", at);
}

static void do_get(struct state *state, char *at)
{
	size_t offset = take_offset(&at);
	size_t len = strtoul(at, NULL, 0);

	taken_say(state->text, "got ");
	for (size_t i = offset; i < offset + len && i < ARENA; i++)
		taken_say(state->text, "%02x", state->arena[i]);
	taken_say(state->text, "\n");
}

static void do_call(struct state *state, char *at)
{
	long a[7] = {-1, -1, -1, -1, -1, -1, -1};
	pid_t self = getpid();
	char outcome[64];

	for (int i = 0; i < 7 && *at; i++) {
		a[i] = take_argument(state, &at);
		if (*at == ',')
			at++;
	}
	state->last = TRY(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	if (getpid() != self) /* after a fork there are two of us here */
		_exit(0);
	if (state->calls < 10)
		state->results[state->calls++] = state->last;
	outcome_format(state->last, outcome, sizeof(outcome));
	taken_say(state->text, "call %ld %s %ld\n", a[0], outcome, state->last);
}

static void do_ipc(struct state *state, char *at)
{
	enum ipc_type type = (enum ipc_type)take_offset(&at);
	size_t offset = take_offset(&at);
	int fd = *at ? (int)take_argument(state, &at) : -1;
	char outcome[64] = "EINVAL";

	if (offset + ipc_size(type) <= ARENA)
		outcome_format(ipc_send(IPC_FD, type, state->arena + offset, fd), outcome,
			       sizeof(outcome));
	taken_say(state->text, "ipc %s %s\n", ipc_type_name(type), outcome);
}

static void say_message(struct state *state)
{
	struct ipc_message *message = &state->message;

	taken_say(state->text, "heard %s", ipc_type_name(message->type));
	if (message->type == IPC_RESULT)
		taken_say(state->text, " %llu %u %.*s",
			  (unsigned long long)message->u.result.id, message->u.result.code,
			  (int)sizeof(message->u.result.text), message->u.result.text);
	if (message->type == IPC_LOGS)
		taken_say(state->text, " %llu", (unsigned long long)message->u.logs.id);
	if (message->type == IPC_KERNEL)
		taken_say(state->text, " %u", message->u.kernel.kernel.state);
	if (message->type == IPC_STREAM) {
		state->stream = message->fd;
		message->fd = -1;
	}
	taken_say(state->text, "\n");
}

static void do_hear(struct state *state, char *at)
{
	enum ipc_type type = (enum ipc_type)take_offset(&at);
	uint64_t end = loop_now_ms() + strtoul(at, NULL, 0);
	bool heard = false;

	while (!heard && loop_now_ms() < end) {
		struct pollfd poll_fd = {.fd = IPC_FD, .events = POLLIN};
		int r = -EAGAIN;

		if (poll(&poll_fd, 1, (int)(end - loop_now_ms())) > 0)
			r = ipc_receive(IPC_FD, &state->message);
		if (r == 0)
			break;
		if (r < 0)
			continue;
		say_message(state);
		heard = state->message.type == type;
		ipc_message_clear(&state->message);
	}
	if (!heard)
		taken_say(state->text, "heard nothing\n");
}

static const struct {
	const char *name;
	void (*run)(struct state *state, char *at);
} verbs[] = {
	{"put:", do_put},   {"text:", do_text}, {"get:", do_get},
	{"call:", do_call}, {"ipc:", do_ipc},   {"hear:", do_hear},
};

void taken_words(char *const *words, size_t count, struct taken_text *text)
{
	static struct state state;

	state.text = text;
	state.stream = TAKEN_STREAM_FD;
	for (size_t i = 0; i < count; i++) {
		size_t row = 0;

		while (row < sizeof(verbs) / sizeof(verbs[0]) &&
		       strncmp(words[i], verbs[row].name, strlen(verbs[row].name)) != 0)
			row++;
		if (row < sizeof(verbs) / sizeof(verbs[0]))
			verbs[row].run(&state, words[i] + strlen(verbs[row].name));
		else
			taken_say(text, "unknown word %s\n", words[i]);
	}
}

/* ---- what an attacker knows of our own structures ---- */

#define FIELD(type, field)                                                                         \
	{#type "." #field, offsetof(struct ipc_##type, field),                                     \
	 sizeof(((struct ipc_##type *)NULL)->field)}
#define START(field) FIELD(request, request.start.field)

static const struct {
	const char *name;
	size_t offset, size;
} fields[] = {
	FIELD(request, gateway),
	FIELD(request, request.id),
	FIELD(request, request.verb),
	FIELD(request, request.kernel_id),
	FIELD(request, request.lines),
	FIELD(request, request.on),
	FIELD(request, request.stage),
	START(environment),
	START(project),
	START(memory_mib),
	START(cpu_milli),
	START(pids_max),
	START(tmpfs_mib),
	START(workspace),
	START(network),
	START(egress.rules_count),
	FIELD(ticket, ticket.counter),
	FIELD(gateway, gateway),
	FIELD(refused, gateway),
	FIELD(refused, why),
	FIELD(refused, count),
	FIELD(stream, kernel_id),
	FIELD(stream, generation),
	FIELD(event_ack, seq),
	FIELD(relay_ready, incarnation),
	FIELD(relay_drained, incarnation),
	FIELD(relay_event, kind),
};

void taken_layout(FILE *out)
{
	for (int type = 1; type < IPC_TYPES; type++)
		fprintf(out, "type %s %d %zu\n", ipc_type_name((enum ipc_type)type), type,
			ipc_size((enum ipc_type)type));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		fprintf(out, "field %s %zu %zu\n", fields[i].name, fields[i].offset,
			fields[i].size);
}
