/* SPDX-License-Identifier: Apache-2.0 */
/* The ZAP handler asked directly, as libzmq asks it and as it never would. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <zmq.h>

#include "link/check.h"
#include "link/zap.h"

#define PARTS_MAX 10u
#define KEY "0123456789abcdef0123456789abcdef"

struct row {
	const char *name;
	const char *parts[PARTS_MAX];
	const char *status;
	const char *user;
};

static const struct row rows[] = {
	{"good", {"1.0", "1", "anchorhold", "10.0.0.1", "", "CURVE", KEY}, "200", "node-1"},
	{"identity set", {"1.0", "1", "anchorhold", "10.0.0.1", "me", "CURVE", KEY},
	 "200", "node-1"},
	{"unknown key", {"1.0", "1", "anchorhold", "10.0.0.1", "", "CURVE",
			 "x123456789abcdef0123456789abcdef"}, "400", ""},
	{"weak key", {"1.0", "1", "anchorhold", "10.0.0.1", "", "CURVE",
		      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}, "400", ""},
	{"a name that is none", {"1.0", "1", "anchorhold", "10.0.0.9", "", "CURVE", KEY},
	 "500", ""},
	{"version 1.1", {"1.1", "1", "anchorhold", "10.0.0.1", "", "CURVE", KEY}, "400", ""},
	{"another domain", {"1.0", "1", "global", "10.0.0.1", "", "CURVE", KEY}, "400", ""},
	{"no domain", {"1.0", "1", "", "10.0.0.1", "", "CURVE", KEY}, "400", ""},
	{"NULL", {"1.0", "1", "anchorhold", "10.0.0.1", "", "NULL"}, "500", ""},
	{"NULL with a key", {"1.0", "1", "anchorhold", "10.0.0.1", "", "NULL", KEY}, "400", ""},
	{"PLAIN", {"1.0", "1", "anchorhold", "10.0.0.1", "", "PLAIN", "user", "pass"}, "500", ""},
	{"key too short", {"1.0", "1", "anchorhold", "10.0.0.1", "", "CURVE", "01234567"},
	 "500", ""},
	{"a part too many", {"1.0", "1", "anchorhold", "10.0.0.1", "", "CURVE", KEY, KEY},
	 "500", ""},
	{"three too many", {"1.0", "1", "anchorhold", "10.0.0.1", "", "CURVE", KEY, KEY, KEY, KEY},
	 "500", ""},
	{"address with a newline", {"1.0", "1", "anchorhold", "10.0.0.1\n", "", "CURVE", KEY},
	 "500", ""},
	{"one part", {"1.0"}, "500", ""},
	{"an empty part", {""}, "500", ""},
};

static bool lookup(void *arg, const struct curve_key *key, const char *address,
		   struct link_zap_peer *ret_peer)
{
	unsigned int *asked = arg;

	(*asked)++;
	if (memcmp(key->bytes, KEY, CURVE_KEY_LEN) != 0)
		return false;
	snprintf(ret_peer->user, LINK_NAME_MAX, "%s",
		 strcmp(address, "10.0.0.9") == 0 ? "no name" : "node-1");
	return true;
}

static unsigned int weak_keys;

static void weak(void *arg, const struct curve_key *key, const char *address)
{
	(void)arg;
	weak_keys += key->bytes[0] == 'x' && strcmp(address, "10.0.0.1") == 0;
}

static void ask(void *socket, const struct row *row)
{
	for (size_t i = 0; i < PARTS_MAX && row->parts[i] != NULL; i++) {
		bool more = i + 1 < PARTS_MAX && row->parts[i + 1] != NULL;

		zmq_send(socket, row->parts[i], strlen(row->parts[i]), more ? ZMQ_SNDMORE : 0);
	}
}

static void test_rows(struct check *check)
{
	void *ctx = zmq_ctx_new(), *req;
	struct link_zap *zap, *second;
	unsigned int asked = 0;

	CHECK_EQ(check, link_zap_new(ctx, lookup, weak, &asked, &zap), 0);
	CHECK_EQ(check, link_zap_new(ctx, lookup, NULL, &asked, &second), -EADDRINUSE);
	req = zmq_socket(ctx, ZMQ_REQ);
	CHECK_EQ(check, zmq_connect(req, "inproc://zeromq.zap.01"), 0);
	CHECK_EQ(check, link_zap_run(zap), 0); /* nothing waits */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char part[6][64] = {{0}};
		int more = 1, count = 0;
		size_t len = sizeof(more);

		check_row(check, rows[i].name);
		ask(req, &rows[i]);
		CHECK_EQ(check, link_zap_run(zap), 0);
		for (; count < 6 && more != 0; count++) {
			CHECK(check, zmq_recv(req, part[count], 63, ZMQ_DONTWAIT) >= 0);
			zmq_getsockopt(req, ZMQ_RCVMORE, &more, &len);
		}
		CHECK(check, count == 6 && more == 0);
		CHECK(check, strcmp(part[0], "1.0") == 0);
		CHECK(check, rows[i].parts[1] == NULL ? part[1][0] == '\0'
						      : strcmp(part[1], rows[i].parts[1]) == 0);
		CHECK(check, strcmp(part[2], rows[i].status) == 0);
		CHECK(check, strcmp(part[4], rows[i].user) == 0);
	}
	check_row(check, NULL);
	CHECK_EQ(check, asked, 4); /* only well-formed requests reach the lookup */
	CHECK_EQ(check, weak_keys, 1);
	zmq_close(req);
	link_zap_free(zap);
	link_zap_free(NULL);
	zmq_ctx_term(ctx);
}

int main(void)
{
	struct check check = {0};

	test_rows(&check);
	return CHECK_DONE(&check);
}
