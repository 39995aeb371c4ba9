/* SPDX-License-Identifier: Apache-2.0 */
/* What the workers ask, after request.c let it through. Each handler checks again what it uses. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hostd/adopt.h"
#include "hostd/journal.h"
#include "hostd/log.h"
#include "hostd/monitor.h"

static void answer(struct monitor *monitor, const struct ipc_request *asked, enum link_code code,
		   const struct kernel *kernel, const struct cell_error *error)
{
	struct ipc_result body = {
		.gateway = asked->gateway,
		.id = asked->request.id,
		.code = code,
		.error = error ? error->error : 0,
		.incarnation = kernel ? kernel->incarnation : 0,
	};

	if ((code == LINK_E_SYSTEM || code == LINK_E_INVALID) && error)
		snprintf(body.text, sizeof(body.text), "%s", error->step);
	monitor_tell(monitor, IPC_RESULT, &body, -1);
}

/* The names of what is missing, as far as they fit. */
static void answer_refusing(struct monitor *monitor, const struct ipc_request *asked)
{
	const struct link_hello *hello = &monitor->node.hello;
	struct ipc_result body = {
		.gateway = asked->gateway,
		.id = asked->request.id,
		.code = LINK_E_REFUSING,
	};
	size_t at = 0;

	for (uint32_t i = 0; i < hello->missing_count; i++) {
		int len = snprintf(body.text + at, sizeof(body.text) - at, "%s%s", i ? ", " : "",
				   hello->missing[i]);

		if (len < 0 || (size_t)len >= sizeof(body.text) - at)
			break;
		at += (size_t)len;
	}
	monitor_tell(monitor, IPC_RESULT, &body, -1);
}

/* The kernel that is asked to change; NULL: there is none. */
static struct kernel *changing(struct monitor *monitor, const struct ipc_request *asked)
{
	struct kernel *kernel = kernel_find(monitor, asked->request.kernel_id);

	if (kernel)
		adopt_touch(kernel);
	return kernel;
}

static void do_start(struct monitor *monitor, const struct ipc_request *asked)
{
	struct cell_error error = {0};
	enum link_code code = kernel_start(monitor, asked->request.kernel_id,
					   &asked->request.start, &error);

	if (code == LINK_E_REFUSING)
		answer_refusing(monitor, asked);
	else
		answer(monitor, asked, code, kernel_find(monitor, asked->request.kernel_id),
		       &error);
}

static void do_stop(struct monitor *monitor, const struct ipc_request *asked)
{
	struct kernel *kernel = changing(monitor, asked);
	const struct owed owed = {true, asked->gateway, asked->request.id};
	enum link_code code = kernel ? kernel_stop(kernel, &owed) : LINK_E_UNKNOWN;

	/* LINK_OK follows when nothing of it is left; the kernel may be gone already. */
	if (code != LINK_OK)
		answer(monitor, asked, code, kernel, NULL);
}

static void do_restart(struct monitor *monitor, const struct ipc_request *asked)
{
	struct kernel *kernel = changing(monitor, asked);
	const struct owed owed = {true, asked->gateway, asked->request.id};
	enum link_code code = kernel ? kernel_restart(kernel, &owed) : LINK_E_UNKNOWN;

	if (code != LINK_OK)
		answer(monitor, asked, code, kernel, NULL);
}

static void do_interrupt(struct monitor *monitor, const struct ipc_request *asked)
{
	struct kernel *kernel = changing(monitor, asked);

	answer(monitor, asked, kernel ? kernel_interrupt(kernel) : LINK_E_UNKNOWN, kernel, NULL);
}

static void do_network(struct monitor *monitor, const struct ipc_request *asked)
{
	struct kernel *kernel = changing(monitor, asked);
	struct cell_error error = {0};
	enum link_code code = LINK_E_UNKNOWN;

	if (kernel)
		code = kernel_set_network(kernel, &asked->request.start, &error);
	answer(monitor, asked, code, kernel, &error);
}

static void do_cut(struct monitor *monitor, const struct ipc_request *asked)
{
	bool all = link_id_is_none(asked->request.kernel_id);
	struct kernel *kernel = all ? NULL : changing(monitor, asked);
	struct cell_error error = {0};
	enum link_code code = LINK_E_UNKNOWN;

	if (all)
		code = network_cut(monitor, asked->request.on != 0, &error);
	else if (kernel)
		code = kernel_cut(kernel, asked->request.on != 0, &error);
	answer(monitor, asked, code, kernel, &error);
}

static void do_rotate(struct monitor *monitor, const struct ipc_request *asked)
{
	struct ipc_result body = {.gateway = asked->gateway, .id = asked->request.id};
	struct cell_error error = {0};

	body.code = identity_rotate(monitor, asked->request.stage, body.text, &error);
	if (body.code == LINK_OK)
		monitor_tell(monitor, IPC_RESULT, &body, -1);
	else
		answer(monitor, asked, (enum link_code)body.code, NULL, &error);
}

static void do_logs(struct monitor *monitor, const struct ipc_request *asked)
{
	static struct ipc_logs body; /* large; the monitor is one thread */
	int len = journal_tail(monitor->paths->log_old, monitor->paths->log,
			       asked->request.lines, body.text, sizeof(body.text));

	if (len < 0) {
		const struct cell_error error = {.step = "read log", .error = -len};

		answer(monitor, asked, LINK_E_SYSTEM, NULL, &error);
		return;
	}
	body.gateway = asked->gateway;
	body.id = asked->request.id;
	body.text_len = (uint32_t)len;
	monitor_tell(monitor, IPC_LOGS, &body, -1);
}

static void do_usage(struct monitor *monitor, const struct ipc_request *asked)
{
	struct kernel *kernel = kernel_find(monitor, asked->request.kernel_id);
	static struct ipc_logs body; /* large; the monitor is one thread */

	if (!kernel) {
		answer(monitor, asked, LINK_E_UNKNOWN, NULL, NULL);
		return;
	}
	body.gateway = asked->gateway;
	body.id = asked->request.id;
	body.text_len = (uint32_t)usage_text(kernel, body.text, sizeof(body.text));
	monitor_tell(monitor, IPC_LOGS, &body, -1);
}

/* ---- from the link: its owner is the monitor ---- */

static void on_request(void *owner, struct worker *worker, const struct ipc_message *message)
{
	static void (*const verbs[])(struct monitor *, const struct ipc_request *) = {
#define REQUEST(type, from, phases, a_second, ok, handler)
#define VERB(verb, ok, handler) [verb] = (handler),
#include "hostd/requests.def"
	};
	const struct ipc_request *asked = &message->u.request;

	if (asked->request.verb < sizeof(verbs) / sizeof(verbs[0]) && verbs[asked->request.verb])
		verbs[asked->request.verb](owner, asked);
	else
		answer(owner, asked, LINK_E_INVALID, NULL, NULL);
}

static void on_event_ack(void *owner, struct worker *worker, const struct ipc_message *message)
{
	events_acked(owner, message->u.event_ack.seq);
}

static void on_ticket(void *owner, struct worker *worker, const struct ipc_message *message)
{
	identity_join(owner, &message->u.ticket);
}

static void note_reached(struct monitor *monitor)
{
	char line[48];
	int len = snprintf(line, sizeof(line), "link %llu\n", (unsigned long long)loop_now_ms());
	int fd;

	if (monitor->reached || !monitor->paths->timeline)
		return;
	monitor->reached = true;
	fd = open(monitor->paths->timeline, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || write(fd, line, (size_t)len) != len)
		log_error(errno, "%s", monitor->paths->timeline);
	if (fd >= 0)
		close(fd);
}

static void on_gateway(void *owner, struct worker *worker, const struct ipc_message *message)
{
	const struct ipc_gateway *gateway = &message->u.gateway;
	const uint32_t bit = 1u << gateway->gateway;
	struct monitor *monitor = owner;

	if (!gateway->up) {
		monitor->gateways_up &= ~bit;
		log_info("gateway %u lost", gateway->gateway);
		return;
	}
	monitor->gateways_up |= bit;
	note_reached(monitor);
	deaths_told(&monitor->deaths, loop_now_ms());
	log_info("gateway %u reached%s", gateway->gateway,
		 gateway->next_key ? " by the next key" : "");
}

static void on_refused(void *owner, struct worker *worker, const struct ipc_message *message)
{
	const struct ipc_refused *refused = &message->u.refused;
	struct monitor *monitor = owner;

	if (refused->gateway < monitor->conf.gateways_count)
		refused_note(monitor, refused);
}

/* A relay that does not read, or breaks the format: another takes its place. */
static void on_stream_lost(void *owner, struct worker *worker, const struct ipc_message *message)
{
	const struct ipc_stream *stream = &message->u.stream;
	struct kernel *kernel = kernel_find(owner, stream->kernel_id);

	if (kernel && kernel->relay && kernel->state != LINK_KERNEL_DEAD &&
	    kernel->generation == stream->generation)
		worker_end(kernel->relay, "the link lost its stream");
}

/* ---- from a relay: its owner is its kernel ---- */

static void on_relay_ready(void *owner, struct worker *worker, const struct ipc_message *message)
{
	struct kernel *kernel = owner;

	/* One of the incarnation before may have crossed the order to restart. */
	if (message->u.relay_ready.incarnation != kernel->incarnation)
		return;
	worker->phase = WORKER_READY;
	kernel_ready(kernel);
}

static void on_relay_drained(void *owner, struct worker *worker, const struct ipc_message *message)
{
	struct kernel *kernel = owner;

	kernel_publish_death(kernel);
	dead_limit(kernel->monitor, MONITOR_DEAD_MAX);
}

static void on_relay_output(void *owner, struct worker *worker, const struct ipc_message *message)
{
	struct kernel *kernel = owner;

	kernel->watch.known.output = message->u.relay_output;
}

static void on_relay_event(void *owner, struct worker *worker, const struct ipc_message *message)
{
	const struct ipc_relay_event *event = &message->u.relay_event;
	struct kernel *kernel = owner;
	static const struct {
		const char *kind;
		const char *text;
	} rows[IPC_RELAY_EVENTS] = {
		[IPC_RELAY_BAD_MESSAGE] = {"kernel.bad_message",
					   "it sent what is no signed message"},
		[IPC_RELAY_TOO_LARGE] = {"output.too_large", "a message over the limit was left "
							     "out"},
		[IPC_RELAY_LOG_FULL] = {"output.full", "it waits for its readers"},
		[IPC_RELAY_GAP] = {"output.gap", "nobody read: its oldest output was left out"},
		[IPC_RELAY_SILENT] = {"kernel.silent", "no heartbeat"},
	};

	if (event->kind == IPC_RELAY_OUTPUT_HELD)
		watch_output(kernel, event->count);
	else if (event->kind == IPC_RELAY_EXECUTION || event->kind == IPC_RELAY_EXECUTION_END)
		watch_execution(kernel, event->kind == IPC_RELAY_EXECUTION_END);
	if (!rows[event->kind].kind)
		return;
	monitor_event(kernel->monitor, kernel, rows[event->kind].kind, "%s (%llu)",
		      rows[event->kind].text, (unsigned long long)event->count);
}

int monitor_message(void *owner, struct worker *worker, struct ipc_message *message)
{
	static void (*const handlers[IPC_TYPES])(void *owner, struct worker *worker,
						 const struct ipc_message *message) = {
#define REQUEST(type, from, phases, a_second, ok, handler) [type] = (handler),
#define VERB(verb, ok, handler)
#include "hostd/requests.def"
	};

	if (worker->spec.role == WORKER_RELAY)
		adopt_touch(owner);
	handlers[message->type](owner, worker, message);
	return 0;
}
