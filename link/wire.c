/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every frame is a table of fields, walked once for packing and once for unpacking, so that the
 * two cannot disagree. The tables stand in the order of the bytes: PROTOCOL.md is these tables
 * in words. A rule that one field cannot state alone is the type's check().
 */
#include "link/wire.h"

#include <errno.h>
#include <string.h>

#include "link/bytes.h"
#include "link/fields.h"
#include "link/rules.h"

#define SIZE_OF(type, member) sizeof(((type *)0)->member)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define AT(type, member) .offset = offsetof(type, member), .size = SIZE_OF(type, member)
#define INT(type, member, low, high)                                                               \
	{.kind = FIELD_INTEGER, AT(type, member), .min = (low), .max = (high)}
#define ANY(type, member) INT(type, member, 0, UINT64_MAX)
#define AMOUNT(type, member) INT(type, member, 0, LINK_AMOUNT_MAX)
#define RAW(type, member) {.kind = FIELD_BYTES, AT(type, member)}
#define TEXT(kind_, type, member) {.kind = (kind_), AT(type, member)}
#define ROWS(type, member, count_, ceiling, table)                                                 \
	{.kind = FIELD_LIST,                                                                       \
	 AT(type, member),                                                                         \
	 .count = offsetof(type, count_),                                                          \
	 .stride = sizeof((((type *)0)->member)[0]),                                               \
	 .max = (ceiling),                                                                         \
	 .rows = (table),                                                                          \
	 .rows_count = COUNT_OF(table)}
#define WHEN(type, member, value, table)                                                           \
	{.kind = FIELD_WHEN,                                                                       \
	 .count = offsetof(type, member),                                                          \
	 .min = (value),                                                                           \
	 .rows = (table),                                                                          \
	 .rows_count = COUNT_OF(table)}

/* ---- the tables ---- */

static const struct field environment_fields[] = {
	TEXT(FIELD_NAME, struct link_environment, name),
	TEXT(FIELD_DISPLAY, struct link_environment, display_name),
	TEXT(FIELD_NAME, struct link_environment, language),
	TEXT(FIELD_NAME, struct link_environment, version),
	INT(struct link_environment, interrupt_message, 0, 1),
};

static const struct field missing_fields[] = {
	{.kind = FIELD_NAME, .offset = 0, .size = LINK_NAME_MAX},
};

static const struct field step_fields[] = {
	TEXT(FIELD_NAME, struct link_step, name),
	ANY(struct link_step, ms),
};

static const struct field info_fields[] = {
	RAW(struct link_kernel_info, id),
	ANY(struct link_kernel_info, incarnation),
	INT(struct link_kernel_info, state, LINK_KERNEL_STARTING, LINK_KERNEL_DEAD),
	TEXT(FIELD_NAME, struct link_kernel_info, environment),
	TEXT(FIELD_PROJECT, struct link_kernel_info, project),
};

static const struct field hello_fields[] = {
	RAW(struct link_hello, boot_id),
	TEXT(FIELD_NAME, struct link_hello, name),
	TEXT(FIELD_NAME, struct link_hello, version),
	TEXT(FIELD_NAME, struct link_hello, build_id),
	ANY(struct link_hello, entry_to_link_ms),
	ANY(struct link_hello, ticket.counter),
	RAW(struct link_hello, ticket.tag),
	ANY(struct link_hello, cpus),
	ANY(struct link_hello, memory_mib),
	ANY(struct link_hello, kernels_max),
	ANY(struct link_hello, promises),
	ROWS(struct link_hello, environments, environments_count, LINK_ENVIRONMENTS_MAX,
	     environment_fields),
	ROWS(struct link_hello, missing, missing_count, LINK_PROMISES_MAX, missing_fields),
	ROWS(struct link_hello, timeline, timeline_count, LINK_STEPS_MAX, step_fields),
	ROWS(struct link_hello, kernels, kernels_count, LINK_KERNELS_MAX, info_fields),
};

static const struct field welcome_fields[] = {
	INT(struct link_welcome, gateway_epoch, 1, UINT64_MAX),
	ANY(struct link_welcome, time_ms),
	INT(struct link_welcome, ticket.counter, 1, UINT64_MAX),
	RAW(struct link_welcome, ticket.tag),
	RAW(struct link_welcome, next_key),
};

static const struct field status_fields[] = {
	ANY(struct link_status, uptime_ms),
	ANY(struct link_status, kernels),
	ANY(struct link_status, memory_available_mib),
	ANY(struct link_status, load_milli),
	INT(struct link_status, pressure_cpu, 0, 10000),
	INT(struct link_status, pressure_memory, 0, 10000),
	INT(struct link_status, pressure_io, 0, 10000),
};

static const struct field egress_rule_fields[] = {
	ANY(struct link_egress_rule, address),
	INT(struct link_egress_rule, bits, 0, 32),
	ANY(struct link_egress_rule, protocol),
	ANY(struct link_egress_rule, port_first),
	ANY(struct link_egress_rule, port_last),
};

static const struct field resolver_fields[] = {
	{.kind = FIELD_INTEGER, .offset = 0, .size = sizeof(uint32_t), .min = 1, .max = UINT32_MAX},
};

static const struct field egress_fields[] = {
	ROWS(struct link_request, start.egress.rules, start.egress.rules_count,
	     LINK_EGRESS_RULES_MAX, egress_rule_fields),
	ROWS(struct link_request, start.egress.resolvers, start.egress.resolvers_count,
	     LINK_RESOLVERS_MAX, resolver_fields),
	AMOUNT(struct link_request, start.egress.rate_kibps),
	ANY(struct link_request, start.egress.bytes_max),
};

/* The end of START and the whole of NETWORK. */
#define NETWORK_FIELDS                                                                             \
	INT(struct link_request, start.network, LINK_NET_SEALED, LINK_NET_EGRESS),                 \
		WHEN(struct link_request, start.network, LINK_NET_EGRESS, egress_fields)

static const struct field start_fields[] = {
	TEXT(FIELD_NAME, struct link_request, start.environment),
	TEXT(FIELD_PROJECT, struct link_request, start.project),
	AMOUNT(struct link_request, start.memory_mib),
	AMOUNT(struct link_request, start.cpu_milli),
	INT(struct link_request, start.cpu_weight, 0, LINK_CPU_WEIGHT_MAX),
	AMOUNT(struct link_request, start.pids_max),
	AMOUNT(struct link_request, start.tmpfs_mib),
	AMOUNT(struct link_request, start.io_kibps),
	AMOUNT(struct link_request, start.io_iops),
	AMOUNT(struct link_request, start.wall_s),
	AMOUNT(struct link_request, start.idle_s),
	AMOUNT(struct link_request, start.execution_s),
	INT(struct link_request, start.grace_s, 0, LINK_GRACE_MAX_S),
	AMOUNT(struct link_request, start.output_kibps),
	AMOUNT(struct link_request, start.output_messages),
	INT(struct link_request, start.workspace, LINK_WORKSPACE_NONE, LINK_WORKSPACE_WRITE),
	INT(struct link_request, start.workspace_exec, 0, 1),
	AMOUNT(struct link_request, start.workspace_mib),
	AMOUNT(struct link_request, start.workspace_inodes),
	INT(struct link_request, start.strict, 0, 1),
	NETWORK_FIELDS,
};

static const struct field network_fields[] = {
	NETWORK_FIELDS,
};

static const struct field cut_fields[] = {
	INT(struct link_request, on, 0, 1),
};

static const struct field rotate_fields[] = {
	INT(struct link_request, stage, LINK_ROTATE_MAKE, LINK_ROTATE_USE),
};

static const struct field logs_fields[] = {
	ANY(struct link_request, lines),
};

#define CASE(verb_, table) WHEN(struct link_request, verb, verb_, table)

static const struct field request_fields[] = {
	ANY(struct link_request, id),
	INT(struct link_request, verb, LINK_START, LINK_ROTATE),
	RAW(struct link_request, kernel_id),
	CASE(LINK_START, start_fields),
	CASE(LINK_LOGS, logs_fields),
	CASE(LINK_NETWORK, network_fields),
	CASE(LINK_CUT, cut_fields),
	CASE(LINK_ROTATE, rotate_fields),
};

static const struct field result_fields[] = {
	ANY(struct link_result, id),
	INT(struct link_result, code, LINK_OK, LINK_E_TIMEOUT),
	ANY(struct link_result, error),
	ANY(struct link_result, incarnation),
	{.kind = FIELD_DATA,
	 AT(struct link_result, text),
	 .count = offsetof(struct link_result, text_len),
	 .min = 0,
	 .max = LINK_CHUNK_MAX},
};

static const struct field kernel_fields[] = {
	RAW(struct link_kernel, kernel_id),
	ANY(struct link_kernel, incarnation),
	INT(struct link_kernel, state, LINK_KERNEL_STARTING, LINK_KERNEL_DEAD),
	INT(struct link_kernel, reason, LINK_WHY_NONE, LINK_WHY_STALLED),
	ANY(struct link_kernel, status),
	TEXT(FIELD_DISPLAY, struct link_kernel, text),
};

static const struct field attach_fields[] = {
	RAW(struct link_attach, kernel_id),
	INT(struct link_attach, session, 1, UINT64_MAX),
	INT(struct link_attach, resume, 0, 1),
	ANY(struct link_attach, cursor),
	INT(struct link_attach, credit, 0, LINK_WINDOW_MAX),
};

static const struct field session_fields[] = {
	RAW(struct link_session, kernel_id),
	INT(struct link_session, session, 1, UINT64_MAX),
	ANY(struct link_session, value),
};

static const struct field chunk_fields[] = {
	RAW(struct link_chunk, kernel_id),
	ANY(struct link_chunk, incarnation),
	INT(struct link_chunk, session, 1, UINT64_MAX),
	ANY(struct link_chunk, epoch),
	INT(struct link_chunk, seq, 1, UINT64_MAX),
	INT(struct link_chunk, channel, LINK_SHELL, LINK_IOPUB),
	INT(struct link_chunk, total, 1, LINK_MESSAGE_MAX),
	INT(struct link_chunk, offset, 0, LINK_MESSAGE_MAX - 1),
	{.kind = FIELD_DATA,
	 AT(struct link_chunk, data),
	 .count = offsetof(struct link_chunk, data_len),
	 .min = 1,
	 .max = LINK_CHUNK_MAX},
};

static const struct field refused_fields[] = {
	RAW(struct link_refused, kernel_id),
	INT(struct link_refused, session, 1, UINT64_MAX),
	ANY(struct link_refused, seq),
	INT(struct link_refused, channel, LINK_SHELL, LINK_IOPUB),
	INT(struct link_refused, code, LINK_E_INVALID, LINK_E_TIMEOUT),
};

static const struct field event_fields[] = {
	RAW(struct link_event, boot_id),
	INT(struct link_event, seq, 1, UINT64_MAX),
	ANY(struct link_event, time_ms),
	RAW(struct link_event, kernel_id),
	TEXT(FIELD_NAME, struct link_event, kind),
	TEXT(FIELD_PROJECT, struct link_event, project),
	TEXT(FIELD_DISPLAY, struct link_event, text),
};

static const struct field event_ack_fields[] = {
	{.kind = FIELD_INTEGER, .offset = 0, .size = sizeof(uint64_t), .max = UINT64_MAX},
};

static const struct field enrol_fields[] = {
	TEXT(FIELD_NAME, struct link_enrol, name),
	RAW(struct link_enrol, public_key),
	RAW(struct link_enrol, secret),
};

static const struct field verdict_fields[] = {
	INT(struct link_verdict_body, code, LINK_V_ENROLLED, LINK_V_REVOKED),
	TEXT(FIELD_DISPLAY, struct link_verdict_body, text),
};

static const struct field join_ack_fields[] = {
	{.kind = FIELD_INTEGER, .offset = 0, .size = sizeof(uint64_t), .min = 1, .max = UINT64_MAX},
};

struct type {
	const char *name;
	size_t size;
	const struct field *fields;
	size_t fields_count;
	bool (*check)(const void *body); /* NULL: none */
};

#define TYPE(name_, member, fields_, check_)                                                       \
	{                                                                                          \
		.name = (name_), .size = SIZE_OF(struct link_frame, u.member),                     \
		.fields = (fields_), .fields_count = COUNT_OF(fields_), .check = (check_)          \
	}

static const struct type types[] = {
	[LINK_HELLO] = TYPE("HELLO", hello, hello_fields, NULL),
	[LINK_WELCOME] = TYPE("WELCOME", welcome, welcome_fields, NULL),
	[LINK_STATUS] = TYPE("STATUS", status, status_fields, NULL),
	[LINK_REQUEST] = TYPE("REQUEST", request, request_fields, rules_request),
	[LINK_RESULT] = TYPE("RESULT", result, result_fields, rules_result),
	[LINK_KERNEL] = TYPE("KERNEL", kernel, kernel_fields, NULL),
	[LINK_ATTACH] = TYPE("ATTACH", attach, attach_fields, NULL),
	[LINK_DETACH] = TYPE("DETACH", session, session_fields, rules_detach),
	[LINK_CREDIT] = TYPE("CREDIT", session, session_fields, NULL),
	[LINK_CURSOR] = TYPE("CURSOR", session, session_fields, NULL),
	[LINK_IN] = TYPE("IN", chunk, chunk_fields, rules_in),
	[LINK_OUT] = TYPE("OUT", chunk, chunk_fields, rules_out),
	[LINK_REFUSED] = TYPE("REFUSED", refused, refused_fields, NULL),
	[LINK_EVENT] = TYPE("EVENT", event, event_fields, NULL),
	[LINK_EVENT_ACK] = TYPE("EVENT_ACK", event_ack, event_ack_fields, NULL),
	[LINK_ENROL] = TYPE("ENROL", enrol, enrol_fields, NULL),
	[LINK_VERDICT] = TYPE("VERDICT", verdict, verdict_fields, NULL),
	[LINK_JOIN_ACK] = TYPE("JOIN_ACK", join_ack, join_ack_fields, NULL),
};

static const struct type *type_of(unsigned int type)
{
	return type < COUNT_OF(types) && types[type].name != NULL ? &types[type] : NULL;
}

/* ---- frames ---- */

static int body_write(struct link_writer *writer, const struct link_frame *frame)
{
	const struct type *type = type_of(frame->type);

	if (type == NULL)
		return -EPROTO;
	link_put_u8(writer, LINK_VERSION);
	link_put_u8(writer, (uint8_t)frame->type);
	fields_pack(writer, type->fields, type->fields_count, &frame->u);
	if (writer->error == 0 && type->check != NULL && !type->check(&frame->u))
		link_writer_fail(writer, -EINVAL);
	if (writer->error == 0 && writer->at > LINK_FRAME_MAX)
		link_writer_fail(writer, -EMSGSIZE);
	return writer->error;
}

static int pack(const struct link_frame *frame, bool head, uint8_t *buf, size_t size,
		size_t *ret_len)
{
	struct link_writer writer = link_writer(buf, size);
	int error;

	if (buf == NULL)
		return -ENOBUFS;
	writer.head = head;
	error = body_write(&writer, frame);
	if (error == 0)
		*ret_len = writer.at;
	return error;
}

int link_frame_pack(const struct link_frame *frame, uint8_t *buf, size_t size, size_t *ret_len)
{
	return pack(frame, false, buf, size, ret_len);
}

int link_frame_pack_head(const struct link_frame *frame, uint8_t *buf, size_t size,
			 size_t *ret_len)
{
	if (frame->type != LINK_OUT && frame->type != LINK_CURSOR && frame->type != LINK_REFUSED)
		return -EINVAL;
	return pack(frame, true, buf, size, ret_len);
}

size_t link_frame_size(const struct link_frame *frame)
{
	struct link_writer writer = link_writer(NULL, 0);

	return body_write(&writer, frame) == 0 ? writer.at : 0;
}

int link_frame_unpack(const uint8_t *buf, size_t len, struct link_frame *ret_frame)
{
	struct link_reader reader = link_reader(buf, len);
	const struct type *type;
	uint8_t version, number;

	if (len > LINK_FRAME_MAX)
		return -EMSGSIZE;
	version = link_get_u8(&reader);
	number = link_get_u8(&reader);
	if (reader.error != 0)
		return reader.error;
	type = type_of(number);
	if (version != LINK_VERSION || type == NULL)
		return -EPROTO;
	ret_frame->type = (enum link_type)number;
	memset(&ret_frame->u, 0, type->size);
	fields_unpack(&reader, type->fields, type->fields_count, &ret_frame->u);
	if (link_reader_end(&reader) != 0)
		return link_reader_end(&reader);
	return type->check == NULL || type->check(&ret_frame->u) ? 0 : -EBADMSG;
}

const char *link_type_name(enum link_type type)
{
	const struct type *row = type_of(type);

	return row == NULL ? "?" : row->name;
}
