/* SPDX-License-Identifier: Apache-2.0 */
#include "link/samples.h"

#include <string.h>

#define ID                                                                                         \
	{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x10, 0x32, 0x54, 0x76, 0x98, 0xba,       \
	 0xdc, 0xfe}

static const uint8_t id[LINK_ID_LEN] = ID;

/* A parts blob of {}, {}, {}, {"a":1} and a buffer of two bytes. */
static const uint8_t blob[] = {
	0, 0, 0, 5, 0, 0, 0, 2,	  0,   0,   0,	 2,   0,   0,	0,   2,	  0,   0, 0, 7, 0, 0,
	0, 2, '{', '}', '{', '}', '{', '}', '{', '"', 'a', '"', ':', '1', '}', 1, 0xff,
};

static const char text[] = "one line\nand\tanother: \xc3\xa9\n";

static void hello(struct link_frame *frame)
{
	struct link_hello *hello = &frame->u.hello;

	frame->type = LINK_HELLO;
	memcpy(hello->boot_id, id, sizeof(id));
	strcpy(hello->name, "node-1");
	strcpy(hello->version, "0.1.0");
	strcpy(hello->build_id, "0123456789abcdef");
	hello->entry_to_link_ms = 1234;
	hello->ticket = (struct link_ticket){.counter = 7, .tag = {0xa1, 0xa2}};
	hello->cpus = 2;
	hello->memory_mib = 512;
	hello->kernels_max = 128;
	hello->environments_count = 1;
	strcpy(hello->environments[0].name, "python");
	strcpy(hello->environments[0].display_name, "Python 3 \xe2\x80\x93 caf\xc3\xa9");
	strcpy(hello->environments[0].language, "python");
	strcpy(hello->environments[0].version, "3.11.2");
	hello->missing_count = 2;
	strcpy(hello->missing[0], "kcfi");
	strcpy(hello->missing[1], "no-modules");
	hello->promises = 74;
	hello->timeline_count = 2;
	hello->timeline[0] = (struct link_step){.name = "init", .ms = 700};
	hello->timeline[1] = (struct link_step){.name = "loop", .ms = 1200};
	hello->kernels_count = 1;
	memcpy(hello->kernels[0].id, id, sizeof(id));
	hello->kernels[0].incarnation = 3;
	hello->kernels[0].state = LINK_KERNEL_READY;
	strcpy(hello->kernels[0].environment, "python");
}

static void welcome(struct link_frame *frame)
{
	frame->type = LINK_WELCOME;
	frame->u.welcome = (struct link_welcome){.gateway_epoch = 0x77,
						 .time_ms = UINT64_C(1700000000123),
						 .ticket = {.counter = 8, .tag = {0xb1}},
						 .next_key = {0xc1, 0xc2}};
}

static void status(struct link_frame *frame)
{
	frame->type = LINK_STATUS;
	frame->u.status = (struct link_status){.uptime_ms = 61000, .kernels = 1,
					       .memory_available_mib = 300, .load_milli = 50,
					       .pressure_cpu = 10000};
}

static void request(struct link_frame *frame, enum link_verb verb)
{
	frame->type = LINK_REQUEST;
	frame->u.request.id = 9;
	frame->u.request.verb = (uint8_t)verb;
	memcpy(frame->u.request.kernel_id, id, sizeof(id));
}

static void request_start(struct link_frame *frame)
{
	struct link_start *start = &frame->u.request.start;

	request(frame, LINK_START);
	strcpy(start->environment, "python");
	strcpy(start->project, "demo");
	start->memory_mib = 256;
	start->cpu_milli = 1000;
	start->pids_max = 64;
	start->tmpfs_mib = 64;
	start->wall_s = 3600;
	start->idle_s = 600;
	start->network = LINK_NET_LOOPBACK;
}

static void egress(struct link_egress *egress)
{
	*egress = (struct link_egress){
		.rules_count = 3,
		.rules = {{0x0a000000, 8, 6, 443, 443}, {0xc0a80100, 24, 17, 5000, 5010},
			  {0xc0000201, 32, 0, 0, 0}},
		.resolvers_count = 1,
		.resolvers = {0x0a000035},
		.rate_kibps = 1024,
		.bytes_max = UINT64_C(1) << 33,
	};
}

static void request_start_egress(struct link_frame *frame)
{
	struct link_start *start = &frame->u.request.start;

	request_start(frame);
	start->cpu_weight = 200;
	start->io_kibps = 10240;
	start->io_iops = 500;
	start->execution_s = 60;
	start->grace_s = 3;
	start->output_kibps = 2048;
	start->output_messages = 1000;
	start->workspace = LINK_WORKSPACE_WRITE;
	start->workspace_exec = 1;
	start->workspace_mib = 1024;
	start->workspace_inodes = 10000;
	start->strict = 1;
	start->network = LINK_NET_EGRESS;
	egress(&start->egress);
}

static void request_network(struct link_frame *frame)
{
	request(frame, LINK_NETWORK);
	frame->u.request.start.network = LINK_NET_EGRESS;
	egress(&frame->u.request.start.egress);
}

static void request_network_sealed(struct link_frame *frame)
{
	request(frame, LINK_NETWORK);
}

static void request_cut(struct link_frame *frame)
{
	request(frame, LINK_CUT);
	memset(frame->u.request.kernel_id, 0, LINK_ID_LEN);
	frame->u.request.on = 1;
}

static void request_usage(struct link_frame *frame)
{
	request(frame, LINK_USAGE);
}

static void request_rotate(struct link_frame *frame)
{
	request(frame, LINK_ROTATE);
	memset(frame->u.request.kernel_id, 0, LINK_ID_LEN);
	frame->u.request.stage = LINK_ROTATE_USE;
}

static void request_stop(struct link_frame *frame)
{
	request(frame, LINK_STOP);
}

static void request_logs(struct link_frame *frame)
{
	request(frame, LINK_LOGS);
	frame->u.request.lines = 100;
}

static void result(struct link_frame *frame)
{
	frame->type = LINK_RESULT;
	frame->u.result = (struct link_result){.id = 9, .code = LINK_E_SYSTEM, .error = 12,
					       .incarnation = 1, .text_len = sizeof(text) - 1,
					       .text = (const uint8_t *)text};
}

static void kernel(struct link_frame *frame)
{
	frame->type = LINK_KERNEL;
	frame->u.kernel = (struct link_kernel){.kernel_id = ID, .incarnation = 2,
					       .state = LINK_KERNEL_DEAD,
					       .reason = LINK_WHY_SIGNAL, .status = -9};
	strcpy(frame->u.kernel.text, "killed by signal 9");
}

static void attach(struct link_frame *frame)
{
	frame->type = LINK_ATTACH;
	frame->u.attach = (struct link_attach){.kernel_id = ID, .session = 0x1122334455667788,
					       .resume = 1, .cursor = 41, .credit = 1u << 20};
}

static void session(struct link_frame *frame, enum link_type type, uint64_t value)
{
	frame->type = type;
	frame->u.session = (struct link_session){.kernel_id = ID, .session = 0x1122334455667788,
						 .value = value};
}

static void detach(struct link_frame *frame)
{
	session(frame, LINK_DETACH, 0);
}

static void credit(struct link_frame *frame)
{
	session(frame, LINK_CREDIT, 65536);
}

static void cursor(struct link_frame *frame)
{
	session(frame, LINK_CURSOR, 42);
}

static void chunk(struct link_frame *frame, enum link_type type)
{
	frame->type = type;
	frame->u.chunk = (struct link_chunk){.kernel_id = ID, .incarnation = 1,
					     .session = 0x1122334455667788, .seq = 1,
					     .channel = LINK_SHELL, .total = sizeof(blob),
					     .data = blob, .data_len = sizeof(blob)};
}

static void in(struct link_frame *frame)
{
	chunk(frame, LINK_IN);
	frame->u.chunk.epoch = 5;
}

static void out(struct link_frame *frame)
{
	chunk(frame, LINK_OUT);
	frame->u.chunk.channel = LINK_IOPUB;
	frame->u.chunk.seq = 42;
	frame->u.chunk.offset = 20;
	frame->u.chunk.data += 20;
	frame->u.chunk.data_len -= 20;
}

static void refused(struct link_frame *frame)
{
	frame->type = LINK_REFUSED;
	frame->u.refused = (struct link_refused){.kernel_id = ID, .session = 0x1122334455667788,
						 .seq = 4, .channel = LINK_STDIN,
						 .code = LINK_E_STALE};
}

static void event(struct link_frame *frame)
{
	frame->type = LINK_EVENT;
	frame->u.event = (struct link_event){.boot_id = {0x42}, .seq = 1, .time_ms = UINT64_C(1700000000123),
					     .kernel_id = ID};
	strcpy(frame->u.event.kind, "limit.memory");
	strcpy(frame->u.event.project, "demo");
	strcpy(frame->u.event.text, "256 MiB reached");
}

static void event_ack(struct link_frame *frame)
{
	frame->type = LINK_EVENT_ACK;
	frame->u.event_ack = 1;
}

static void enrol(struct link_frame *frame)
{
	frame->type = LINK_ENROL;
	frame->u.enrol = (struct link_enrol){.public_key = {1, 2, 3}, .secret = {9, 8, 7}};
	strcpy(frame->u.enrol.name, "node-1");
}

static void verdict(struct link_frame *frame)
{
	frame->type = LINK_VERDICT;
	frame->u.verdict.code = LINK_V_LOCKED;
	strcpy(frame->u.verdict.text, "two nodes have one key");
}

static void join_ack(struct link_frame *frame)
{
	frame->type = LINK_JOIN_ACK;
	frame->u.join_ack = 8;
}

static const struct {
	const char *name;
	void (*fill)(struct link_frame *frame);
} samples[] = {
	{"hello", hello}, {"welcome", welcome}, {"status", status},
	{"request-start", request_start}, {"request-stop", request_stop},
	{"request-logs", request_logs}, {"request-start-egress", request_start_egress},
	{"request-network", request_network},
	{"request-network-sealed", request_network_sealed}, {"request-cut", request_cut},
	{"request-usage", request_usage}, {"result", result}, {"kernel", kernel},
	{"attach", attach}, {"detach", detach}, {"credit", credit}, {"cursor", cursor},
	{"in", in}, {"out", out}, {"refused", refused}, {"event", event},
	{"event-ack", event_ack}, {"enrol", enrol}, {"verdict", verdict}, {"join-ack", join_ack},
	{"request-rotate", request_rotate},
};

size_t sample_count(void)
{
	return sizeof(samples) / sizeof(samples[0]);
}

const char *sample_name(size_t i)
{
	return samples[i].name;
}

void sample_frame(size_t i, struct link_frame *ret_frame)
{
	memset(ret_frame, 0, sizeof(*ret_frame));
	samples[i].fill(ret_frame);
}
