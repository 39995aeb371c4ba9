/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/gateway/access.h"
#include "backend/gateway/channels.h"
#include "backend/gateway/framing.h"
#include "backend/gateway/gateway.h"
#include "backend/gateway/http_request.h"
#include "backend/gateway/log.h"
#include "backend/gateway/process.h"
#include "backend/gateway/request.h"
#include "backend/gateway/routes.h"

#define RX_BUFFER 65536u
#define PING_S 30u
#define HANGUP_S 90u

/* libwebsockets keeps one of these a connection; it starts zeroed. */
struct connection {
	struct request *request;
	struct session *session;
};

struct watched {
	void (*ready)(void *ctx);
	void *ctx;
};

static struct gateway *gateway_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

/* ---- HTTP ---- */

static void drop_request(struct connection *connection)
{
	if (connection == NULL)
		return;
	request_free(connection->request);
	connection->request = NULL;
}

/* It has arrived whole: from here on its own deadline holds, which may be longer than the time
 * that libwebsockets gives a request to arrive, and would cut the connection after. */
static void dispatch(struct lws *wsi, struct request *request)
{
	lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
	routes_dispatch(request);
}

static int begin(struct lws *wsi, struct connection *connection)
{
	drop_request(connection);
	connection->request = http_request_read(gateway_of(wsi), wsi);
	if (connection->request == NULL)
		return -1;
	/* Without a body there is nothing to wait for. */
	if (!connection->request->body_wanted)
		dispatch(wsi, connection->request);
	return 0;
}

static int body_complete(struct lws *wsi, struct connection *connection)
{
	struct request *request = connection->request;

	if (request != NULL && request->body_wanted) {
		request->body_wanted = false;
		dispatch(wsi, request);
	}
	return 0;
}

static int answer(struct lws *wsi, struct connection *connection)
{
	struct request *request = connection->request;
	bool closing;

	if (request == NULL || !request->answered)
		return 0;
	closing = request->closing;
	if (http_request_write(request) < 0)
		closing = true;
	drop_request(connection);
	if (closing)
		return -1;
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* ---- WebSocket ---- */

/* Before the upgrade: whoever may not have it is told in plain HTTP. */
static int upgrade_check(struct lws *wsi, const char *what)
{
	struct request *request = http_request_read(gateway_of(wsi), wsi);
	struct kernel *kernel;
	int r;

	if (request == NULL)
		return -1;
	if (what == NULL || strcasecmp(what, "websocket") != 0)
		request_error(request, 400, "no upgrade but websocket is known");
	else
		http_request_upgrade(request, &kernel);
	r = 0;
	if (request->answered)
		r = http_request_write(request) < 0 ? -1 : 1;
	request_free(request);
	return r;
}

static int established(struct lws *wsi, struct connection *connection)
{
	struct gateway *gateway = gateway_of(wsi);
	struct request *request = http_request_read(gateway, wsi);
	struct kernel *kernel = NULL;

	connection->request = NULL;
	connection->session = NULL;
	if (request == NULL)
		return -1;
	http_request_upgrade(request, &kernel);
	if (kernel != NULL)
		connection->session = channels_open(
			gateway->channels, kernel, wsi,
			strcmp(lws_get_protocol(wsi)->name, FRAMING_V1_NAME) == 0
				? FRAMING_V1
				: FRAMING_LEGACY,
			request_query(request, "session_id"));
	request_free(request);
	return connection->session == NULL ? -1 : 0;
}

static int receive(struct lws *wsi, struct connection *connection, const void *data, size_t len)
{
	bool first = lws_is_first_fragment(wsi) != 0;
	bool last = lws_is_final_fragment(wsi) != 0 && lws_remaining_packet_payload(wsi) == 0;

	return channels_receive(connection->session, data, len, first, last,
				lws_frame_is_binary(wsi) != 0);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	struct connection *connection = user;

	switch (reason) {
	case LWS_CALLBACK_HTTP:
		return begin(wsi, connection);
	case LWS_CALLBACK_HTTP_BODY:
		if (connection->request != NULL)
			request_body_add(connection->request, in, len);
		return 0;
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return body_complete(wsi, connection);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return answer(wsi, connection);
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		drop_request(connection);
		return 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return upgrade_check(wsi, in);
	case LWS_CALLBACK_ESTABLISHED:
		return established(wsi, connection);
	case LWS_CALLBACK_RECEIVE:
		return receive(wsi, connection, in, len);
	case LWS_CALLBACK_RECEIVE_PONG:
		channels_pong(connection->session, in, len);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return channels_writable(connection->session);
	case LWS_CALLBACK_CLOSED:
		channels_closed(connection->session);
		connection->session = NULL;
		return 0;
	case LWS_CALLBACK_RAW_RX_FILE: {
		struct watched *watched = lws_get_opaque_user_data(wsi);

		watched->ready(watched->ctx);
		return 0;
	}
	case LWS_CALLBACK_RAW_CLOSE_FILE:
		free(lws_get_opaque_user_data(wsi));
		return 0;
	default:
		return 0;
	}
}

/* The first is for HTTP, for WebSockets that name no protocol, and for watched descriptors. */
static const struct lws_protocols PROTOCOLS[] = {
	{"http", on_event, sizeof(struct connection), RX_BUFFER, 0, NULL, 0},
	{FRAMING_V1_NAME, on_event, sizeof(struct connection), RX_BUFFER, 0, NULL, 0},
	{NULL, NULL, 0, 0, 0, NULL, 0},
};

static const lws_retry_bo_t IDLE = {
	.secs_since_valid_ping = PING_S,
	.secs_since_valid_hangup = HANGUP_S,
};

/* ---- the loop ---- */

static void lws_line(int level, const char *line)
{
	size_t len = strcspn(line, "\n");

	log_line("libwebsockets: %.*s", (int)len, line);
}

/* libwebsockets only says that it failed; this says why, before. */
static int port_check(const struct options_address *address, char *ret_error, size_t error_size)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} name = {.any = {0}};
	socklen_t len = sizeof(name.v4);
	int fd, one = 1, r = 0;

	name.v4.sin_family = AF_INET;
	name.v4.sin_port = htons(address->port);
	if (inet_pton(AF_INET, address->host, &name.v4.sin_addr) != 1) {
		name.v6.sin6_family = AF_INET6;
		name.v6.sin6_port = htons(address->port);
		inet_pton(AF_INET6, address->host, &name.v6.sin6_addr);
		len = sizeof(name.v6);
	}
	fd = socket(name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &name.any, len) < 0 || listen(fd, 1) < 0) {
		r = -errno;
		snprintf(ret_error, error_size, "--http %s:%u: %s", address->host, address->port,
			 strerror(errno));
	}
	close(fd);
	return r;
}

int http_new(struct gateway *gateway, char *ret_error, size_t error_size)
{
	const struct options_address *address = &gateway->options.http;
	struct lws_context_creation_info info = {0};
	int r = port_check(address, ret_error, error_size);

	if (r < 0)
		return r;
	lws_set_log_level(LLL_ERR, lws_line);
	info.iface = address->host;
	info.port = address->port;
	info.protocols = PROTOCOLS;
	info.user = gateway;
	info.gid = info.uid = (__typeof__(info.uid))-1;
	info.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
		       LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
	if (strchr(address->host, ':') == NULL)
		info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
	info.max_http_header_data2 = HTTP_HEADERS_MAX;
	info.pt_serv_buf_size = RX_BUFFER;
	info.timeout_secs = HTTP_TIMEOUT_S;
	info.keepalive_timeout = 60;
	info.retry_and_idle_policy = &IDLE;
	info.server_string = "anchorhold-gateway";
	lws_set_allocator(process_realloc_wiped);
	gateway->lws = lws_create_context(&info);
	if (gateway->lws != NULL)
		gateway->vhost = lws_create_vhost(gateway->lws, &info);
	if (gateway->vhost == NULL) {
		snprintf(ret_error, error_size, "--http %s:%u: libwebsockets cannot listen",
			 address->host, address->port);
		return -EIO;
	}
	return 0;
}

void http_free(struct gateway *gateway)
{
	if (gateway->lws != NULL)
		lws_context_destroy(gateway->lws);
	gateway->lws = NULL;
}

int http_watch(struct gateway *gateway, int fd, void (*ready)(void *ctx), void *ctx)
{
	struct watched *watched = malloc(sizeof(*watched));
	lws_sock_file_fd_type copy = {.filefd = dup(fd)};
	struct lws *wsi = NULL;

	/* libwebsockets closes what it adopts, so it gets a descriptor of its own. */
	if (watched != NULL && copy.filefd >= 0)
		wsi = lws_adopt_descriptor_vhost(gateway->vhost, LWS_ADOPT_RAW_FILE_DESC, copy,
						 "http", NULL);
	if (wsi == NULL) {
		if (copy.filefd >= 0)
			close(copy.filefd);
		free(watched);
		return -ENOMEM;
	}
	watched->ready = ready;
	watched->ctx = ctx;
	lws_set_opaque_user_data(wsi, watched);
	return 0;
}

void http_wait(struct gateway *gateway, bool now)
{
	lws_service(gateway->lws, now ? -1 : 0);
}

int http_port(const struct gateway *gateway)
{
	return lws_get_vhost_listen_port(gateway->vhost);
}
