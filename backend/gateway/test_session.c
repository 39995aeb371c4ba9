/* SPDX-License-Identifier: Apache-2.0 */
/* What a session knows of its messages: execution state, requests in flight, synthesised ones. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/activity.h"
#include "backend/gateway/away.h"
#include "backend/gateway/ids.h"
#include "backend/gateway/inflight.h"
#include "backend/gateway/synth.h"
#include "link/check.h"
#include "link/cursor.h"
#include "link/json_scan.h"

static struct link_slice text(const char *string)
{
	return (struct link_slice){(const uint8_t *)string, strlen(string)};
}

static struct link_header header(const char *msg_id, const char *msg_type)
{
	struct link_header header = {.session = "s"};

	snprintf(header.msg_id, sizeof(header.msg_id), "%s", msg_id);
	snprintf(header.msg_type, sizeof(header.msg_type), "%s", msg_type);
	return header;
}

static struct link_parts parts(const char *content)
{
	struct link_parts parts = {.count = 4};

	for (unsigned i = 0; i < LINK_CONTENT; i++)
		parts.part[i] = text("{}");
	parts.part[LINK_CONTENT] = text(content);
	return parts;
}

/* ---- activity ---- */

static void status(struct activity *activity, uint64_t seq, const char *parent_type,
		   const char *content, uint64_t now)
{
	struct link_parts all = parts(content);
	struct link_header own = header("m", "status"), parent = header("p", parent_type);

	activity_message(activity, seq, LINK_IOPUB, &all, &own, &parent, now);
}

static void test_activity(struct check *check)
{
	static const struct {
		const char *parent, *content;
		enum activity_state state;
		uint64_t last;
	} ROW[] = {
		{"kernel_info_request", "{\"execution_state\":\"busy\"}", ACTIVITY_STARTING, 0},
		{"kernel_info_request", "{\"execution_state\":\"idle\"}", ACTIVITY_IDLE, 0},
		{"execute_request", "{\"execution_state\":\"busy\"}", ACTIVITY_BUSY, 3},
		{"comm_info_request", "{\"execution_state\":\"idle\"}", ACTIVITY_BUSY, 4},
		{"", "{\"execution_state\":\"idle\"}", ACTIVITY_BUSY, 5},
		{"execute_request", "{\"execution_state\":\"dead\"}", ACTIVITY_BUSY, 6},
		{"execute_request", "{\"execution_state\":7}", ACTIVITY_BUSY, 7},
		{"execute_request", "{\"execution_state\":\"a very long word indeed\"}",
		 ACTIVITY_BUSY, 8},
		{"execute_request", "{}", ACTIVITY_BUSY, 9},
		{"execute_request", "{\"execution_state\":\"idle\"}", ACTIVITY_IDLE, 10},
		{"debug_request", "{\"execution_state\":\"busy\"}", ACTIVITY_IDLE, 10},
		{"comm_msg", "{\"execution_state\":\"busy\"}", ACTIVITY_BUSY, 12},
	};
	struct activity activity = {0};

	for (size_t i = 0; i < sizeof(ROW) / sizeof(ROW[0]); i++) {
		check_row(check, ROW[i].content);
		status(&activity, i + 1, ROW[i].parent, ROW[i].content, i + 1);
		CHECK_EQ(check, activity.state, ROW[i].state);
		CHECK_EQ(check, activity.last_us, ROW[i].last);
	}
	check_row(check, NULL);
	/* Another session replays what was noted. */
	status(&activity, 3, "execute_request", "{\"execution_state\":\"idle\"}", 99);
	CHECK_EQ(check, activity.state, ACTIVITY_BUSY);
	activity_kernel(&activity, LINK_KERNEL_DEAD, 100);
	status(&activity, 50, "execute_request", "{\"execution_state\":\"idle\"}", 101);
	CHECK_EQ(check, activity.state, ACTIVITY_DEAD);
	CHECK(check, strcmp(activity_name(activity.state), "dead") == 0);
	CHECK(check, !activity_tracked("") && activity_tracked("anything_new"));
}

/* ---- requests in flight ---- */

static void add(struct inflight *inflight, const char *id, const char *type)
{
	struct link_header own = header(id, type);

	inflight_add(inflight, LINK_SHELL, &own, text("{\"raw\":1}"));
}

static void note(struct inflight *inflight, enum link_channel channel, const char *parent_id,
		 const char *type, const char *content)
{
	struct link_parts all = parts(content);
	struct link_header own = header("m", type), parent = header(parent_id, "execute_request");

	inflight_note(inflight, channel, &all, &own, &parent);
}

static bool take(struct inflight *inflight, enum inflight_which which, const char *id)
{
	struct inflight_request request;
	bool right;

	if (!inflight_take(inflight, which, &request))
		return id == NULL;
	right = id != NULL && strcmp(request.msg_id, id) == 0;
	free(request.header);
	return right;
}

static void test_inflight(struct check *check)
{
	static const char IDLE[] = "{\"execution_state\":\"idle\"}";
	static const char BUSY[] = "{\"execution_state\":\"busy\"}";
	struct inflight *inflight = inflight_new();
	struct inflight_request request;
	char id[16];

	/* Reply and idle come in either order, and only both end a request. */
	add(inflight, "a", "execute_request");
	note(inflight, LINK_SHELL, "a", "execute_reply", "{}");
	CHECK_EQ(check, inflight_count(inflight), 1);
	note(inflight, LINK_IOPUB, "a", "status", BUSY);
	note(inflight, LINK_IOPUB, "other", "status", IDLE);
	CHECK_EQ(check, inflight_count(inflight), 1);
	note(inflight, LINK_IOPUB, "a", "status", IDLE);
	CHECK_EQ(check, inflight_count(inflight), 0);
	add(inflight, "b", "execute_request");
	note(inflight, LINK_IOPUB, "b", "status", IDLE);
	note(inflight, LINK_SHELL, "b", "execute_reply", "{}");
	CHECK_EQ(check, inflight_count(inflight), 0);
	/* A message without a reply is done with its idle. */
	add(inflight, "c", "comm_msg");
	note(inflight, LINK_IOPUB, "c", "status", IDLE);
	CHECK_EQ(check, inflight_count(inflight), 0);

	add(inflight, "d", "execute_request");
	add(inflight, "e", "execute_request");
	add(inflight, "f", "execute_request");
	inflight_sent(inflight, "d", 4);
	inflight_sent(inflight, "e", 5);
	note(inflight, LINK_IOPUB, "d", "status", BUSY);
	inflight_suspect(inflight);
	CHECK(check, take(inflight, INFLIGHT_SUSPECT, "e"));
	CHECK(check, take(inflight, INFLIGHT_SUSPECT, NULL));
	CHECK(check, !inflight_take_seq(inflight, LINK_CONTROL, 4, &request));
	CHECK(check, inflight_take_seq(inflight, LINK_SHELL, 4, &request));
	CHECK(check, request.header_len == 9 && memcmp(request.header, "{\"raw\":1}", 9) == 0);
	free(request.header);
	CHECK(check, take(inflight, INFLIGHT_SENT, NULL));
	CHECK(check, inflight_take_id(inflight, "f", &request));
	free(request.header);
	CHECK_EQ(check, inflight_count(inflight), 0);

	/* The oldest gives way. */
	for (unsigned i = 0; i < INFLIGHT_MAX + 3; i++) {
		snprintf(id, sizeof(id), "%u", i);
		add(inflight, id, "execute_request");
	}
	CHECK_EQ(check, inflight_count(inflight), INFLIGHT_MAX);
	CHECK(check, take(inflight, INFLIGHT_ALL, "3"));
	inflight_free(inflight);
	inflight_free(NULL);
}

/* ---- synthesised ---- */

static bool member_is(struct link_slice object, const char *name, const char *want)
{
	struct link_slice value;
	char got[256];

	return json_member(object.data, object.len, name, &value) == 0 &&
	       json_string_get(value, got, sizeof(got)) == 0 && strcmp(got, want) == 0;
}

static void test_synth(struct check *check)
{
	struct inflight_request request = {.channel = LINK_CONTROL,
					   .header = (char *)"{\"r\":1}",
					   .header_len = 7,
					   .msg_type = "debug_request"};
	struct link_header own;
	struct synth synth;

	CHECK_EQ(check, synth_reply(&synth, &request, "KernelDied", "it \"died\"\n\xc3\xa4"), 0);
	CHECK_EQ(check, synth.channel, LINK_CONTROL);
	CHECK_EQ(check, link_parts_check(&synth.parts), 0);
	CHECK_EQ(check, link_header_get(synth.parts.part[LINK_HEADER], &own), 0);
	CHECK(check, strcmp(own.msg_type, "debug_reply") == 0);
	CHECK(check, own.msg_id[0] != '\0');
	CHECK(check, member_is(synth.parts.part[LINK_CONTENT], "status", "error"));
	CHECK(check, member_is(synth.parts.part[LINK_CONTENT], "evalue", "it \"died\"\n\xc3\xa4"));
	CHECK_EQ(check, synth.parts.part[LINK_PARENT].len, 7);
	synth_free(&synth);
	CHECK_EQ(check, synth_status(&synth, (struct link_slice){NULL, 0}, "restarting"), 0);
	CHECK_EQ(check, link_parts_check(&synth.parts), 0);
	CHECK(check, member_is(synth.parts.part[LINK_CONTENT], "execution_state", "restarting"));
	synth_free(&synth);
	CHECK_EQ(check, synth_stderr(&synth, (struct link_slice){NULL, 0}, "text"), 0);
	CHECK(check, member_is(synth.parts.part[LINK_CONTENT], "name", "stderr"));
	synth_free(&synth);
	CHECK_EQ(check, synth_error(&synth, (struct link_slice){NULL, 0}, "N", "v"), 0);
	CHECK(check, member_is(synth.parts.part[LINK_CONTENT], "ename", "N"));
	synth_free(&synth);
	/* Not UTF-8: no message rather than a broken one. */
	CHECK(check, synth_stderr(&synth, (struct link_slice){NULL, 0}, "\xff") < 0);
	synth_free(&synth);
}

/* ---- clients that went away ---- */

static void test_away(struct check *check)
{
	const struct link_header asked = header("a", "execute_request");
	struct away_rest rest = {.inflight = inflight_new(), .acked = 7, .life = 2}, back;
	struct inflight_request request;
	struct away *away = away_new();

	CHECK(check, !away_take(away, 1, &back));
	inflight_add(rest.inflight, LINK_SHELL, &asked, text("{}"));
	inflight_abandon(rest.inflight); /* it was never sent */
	away_put(away, 1, &rest, 1000);
	CHECK(check, !away_take(away, 2, &back));
	CHECK(check, away_take(away, 1, &back) && back.acked == 7 && back.life == 2);
	CHECK_EQ(check, inflight_count(back.inflight), 1);
	CHECK(check, inflight_take(back.inflight, INFLIGHT_SUSPECT, &request));
	free(request.header);
	CHECK(check, !away_take(away, 1, &rest)); /* once */
	/* Nothing to remember is not remembered; what nobody came for goes. */
	back.acked = 0;
	away_put(away, 3, &back, 1000);
	CHECK(check, !away_take(away, 3, &rest));
	rest = (struct away_rest){.inflight = inflight_new(), .acked = 1};
	away_put(away, 4, &rest, 1000);
	away_sweep(away, 1000 + AWAY_MS);
	CHECK(check, away_take(away, 4, &back));
	away_put(away, 4, &back, 1000);
	away_sweep(away, 1001 + AWAY_MS);
	CHECK(check, !away_take(away, 4, &back));
	for (uint64_t session = 1; session <= AWAY_MAX + 1; session++) {
		rest = (struct away_rest){.inflight = inflight_new(), .acked = 1};
		away_put(away, session, &rest, 1000);
	}
	CHECK(check, !away_take(away, AWAY_MAX + 1, &back));
	CHECK(check, away_take(away, AWAY_MAX, &back));
	inflight_free(back.inflight);
	away_free(away);
}

static void test_number(struct check *check)
{
	const uint8_t one[LINK_ID_LEN] = {1}, other[LINK_ID_LEN] = {2};

	CHECK_EQ(check, ids_session(one, "client", 7), ids_session(one, "client", 7));
	CHECK(check, ids_session(one, "client", 7) != ids_session(one, "client", 8));
	CHECK_EQ(check, LINK_CLIENT(ids_session(one, "client", 7)),
		 LINK_CLIENT(ids_session(one, "client", 8)));
	CHECK(check, ids_session(one, "client", 7) != ids_session(other, "client", 7));
	CHECK(check, ids_session(one, "client", 7) != ids_session(one, "another", 7));
	CHECK(check, ids_session(one, "", 0) != 0);
}

int main(void)
{
	struct check check = {0};

	if (sodium_init() < 0)
		return 1;
	test_activity(&check);
	test_inflight(&check);
	test_synth(&check);
	test_away(&check);
	test_number(&check);
	return CHECK_DONE(&check);
}
