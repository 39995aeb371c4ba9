/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ZAP (RFC 27) over a REP socket: request and answer are parts of
 *	version | request id | domain | address | identity | mechanism | credentials ...
 *	version | request id | status | text | user id | metadata
 */
#include "link/zap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "link/bytes.h"
#include "link/socket.h"

#define ENDPOINT "inproc://zeromq.zap.01"
#define VERSION "1.0"
#define REQUEST_ID_MAX 255u
#define ADDRESS_MAX 64u
#define ANSWERS_MAX 64
#define PARTS 7u
#define STAMP_MAX 24
#define METADATA_MAX                                                                               \
	(2 * 5 + sizeof(LINK_ZAP_KEY) + sizeof(LINK_ZAP_STAMP) + CURVE_PRINT_LEN + STAMP_MAX)

enum part { PART_VERSION, PART_ID, PART_DOMAIN, PART_ADDRESS, PART_IDENTITY, PART_MECHANISM,
	    PART_KEY };

struct link_zap {
	void *socket;
	link_zap_lookup lookup;
	link_zap_weak weak;
	void *arg;
};

struct request {
	zmq_msg_t part[PARTS];
	size_t count; /* parts received and held */
	bool over;    /* there were more */
};

int link_zap_new(void *ctx, link_zap_lookup lookup, link_zap_weak weak, void *arg,
		 struct link_zap **ret_zap)
{
	struct link_zap *zap = calloc(1, sizeof(*zap));
	const int none = 0;
	int error;

	if (zap == NULL)
		return -ENOMEM;
	zap->lookup = lookup;
	zap->weak = weak;
	zap->arg = arg;
	zap->socket = zmq_socket(ctx, ZMQ_REP);
	if (zap->socket != NULL &&
	    zmq_setsockopt(zap->socket, ZMQ_LINGER, &none, sizeof(none)) == 0 &&
	    zmq_bind(zap->socket, ENDPOINT) == 0) {
		*ret_zap = zap;
		return 0;
	}
	error = -zmq_errno();
	link_zap_free(zap);
	return error;
}

void link_zap_free(struct link_zap *zap)
{
	if (zap == NULL)
		return;
	if (zap->socket != NULL)
		zmq_close(zap->socket);
	free(zap);
}

void *link_zap_socket(const struct link_zap *zap)
{
	return zap->socket;
}

/* ---- a request ---- */

static void request_free(struct request *request)
{
	for (size_t i = 0; i < request->count; i++)
		zmq_msg_close(&request->part[i]);
	request->count = 0;
}

/* One part: kept while there is room for it. */
static int part_receive(void *socket, struct request *request, bool *ret_more)
{
	zmq_msg_t msg;
	int error = 0;

	zmq_msg_init(&msg);
	if (zmq_msg_recv(&msg, socket, ZMQ_DONTWAIT) < 0)
		error = -zmq_errno();
	*ret_more = error == 0 && zmq_msg_more(&msg) != 0;
	if (error == 0 && request->count < PARTS) {
		zmq_msg_init(&request->part[request->count]);
		zmq_msg_move(&request->part[request->count], &msg);
		request->count++;
	} else if (error == 0) {
		request->over = true;
	}
	zmq_msg_close(&msg);
	return error;
}

/* Takes a whole request, so that the answer to it can be sent whatever it holds. */
static int request_receive(void *socket, struct request *request)
{
	bool more = true;
	int error = 0;

	request->count = 0;
	request->over = false;
	while (error == 0 && more)
		error = part_receive(socket, request, &more);
	if (error != 0)
		request_free(request);
	return error;
}

static struct link_slice part(struct request *request, enum part number)
{
	zmq_msg_t *msg = &request->part[number];

	return (struct link_slice){zmq_msg_data(msg), zmq_msg_size(msg)};
}

static bool part_is(struct request *request, enum part number, const char *text)
{
	struct link_slice slice = part(request, number);

	return slice.len == strlen(text) && memcmp(slice.data, text, slice.len) == 0;
}

/* The peer's address, which libzmq writes; still only printable ASCII gets into a log. */
static bool address_get(struct link_slice slice, char ret_address[ADDRESS_MAX])
{
	if (slice.len >= ADDRESS_MAX)
		return false;
	for (size_t i = 0; i < slice.len; i++)
		if (slice.data[i] <= 0x20 || slice.data[i] >= 0x7f)
			return false;
	memcpy(ret_address, slice.data, slice.len);
	ret_address[slice.len] = '\0';
	return true;
}

/* ---- the answer ---- */

static const char *decide(const struct link_zap *zap, struct request *request,
			  struct link_zap_peer *ret_peer, char ret_print[CURVE_PRINT_LEN + 1])
{
	char address[ADDRESS_MAX];
	struct curve_key key;

	if (request->count != PARTS || request->over ||
	    part(request, PART_ID).len > REQUEST_ID_MAX ||
	    !address_get(part(request, PART_ADDRESS), address) ||
	    part(request, PART_KEY).len != CURVE_KEY_LEN)
		return "500";
	if (!part_is(request, PART_VERSION, VERSION) ||
	    !part_is(request, PART_DOMAIN, LINK_ZAP_DOMAIN) ||
	    !part_is(request, PART_MECHANISM, "CURVE"))
		return "400";
	memcpy(key.bytes, part(request, PART_KEY).data, CURVE_KEY_LEN);
	if (curve_key_check(&key) != 0) {
		if (zap->weak != NULL)
			zap->weak(zap->arg, &key, address);
		return "400";
	}
	if (!zap->lookup(zap->arg, &key, address, ret_peer))
		return "400";
	curve_key_print(&key, ret_print);
	return link_identifier_ok(ret_peer->user) ? "200" : "500";
}

/* A property of metadata: u8 and the name, u32 and the value. */
static size_t property(const char *name, const char *value, uint8_t *ret_bytes)
{
	const size_t name_len = strlen(name), len = strlen(value);

	ret_bytes[0] = (uint8_t)name_len;
	memcpy(ret_bytes + 1, name, name_len);
	memset(ret_bytes + 1 + name_len, 0, 3);
	ret_bytes[1 + name_len + 3] = (uint8_t)len;
	memcpy(ret_bytes + 1 + name_len + 4, value, len);
	return 1 + name_len + 4 + len;
}

static int answer(void *socket, struct link_slice id, const char *status,
		  const struct link_zap_peer *peer, const char *print)
{
	const bool in = strcmp(status, "200") == 0;
	uint8_t properties[METADATA_MAX];
	char stamp[STAMP_MAX];
	size_t properties_len = property(LINK_ZAP_KEY, print, properties);

	snprintf(stamp, sizeof(stamp), "%llu", (unsigned long long)peer->stamp);
	properties_len += property(LINK_ZAP_STAMP, stamp, properties + properties_len);
	const struct link_slice parts[] = {
		{(const uint8_t *)VERSION, strlen(VERSION)},
		id,
		{(const uint8_t *)status, strlen(status)},
		{(const uint8_t *)"", 0},
		{(const uint8_t *)peer->user, in ? strlen(peer->user) : 0},
		{properties, in ? properties_len : 0},
	};
	const size_t count = sizeof(parts) / sizeof(parts[0]);

	for (size_t i = 0; i < count; i++) {
		int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);

		if (zmq_send(socket, parts[i].data, parts[i].len, flags) < 0)
			return -zmq_errno();
	}
	return 0;
}

static int serve(const struct link_zap *zap)
{
	struct link_zap_peer peer = {.stamp = 0};
	char print[CURVE_PRINT_LEN + 1] = "";
	struct link_slice id = {(const uint8_t *)"", 0};
	struct request request;
	const char *status;
	int error = request_receive(zap->socket, &request);

	if (error != 0)
		return error;
	status = decide(zap, &request, &peer, print);
	if (request.count > PART_ID)
		id = part(&request, PART_ID);
	error = answer(zap->socket, id, status, &peer, print);
	request_free(&request);
	return error;
}

int link_zap_run(struct link_zap *zap)
{
	int error = 0;

	for (int i = 0; i < ANSWERS_MAX && error == 0; i++)
		error = serve(zap);
	return error == -EAGAIN ? 0 : error;
}
