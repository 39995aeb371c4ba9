/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/cli/client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/cli/client_private.h"

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const struct lws_protocols protocols[] = {
	{ .name = "http", .callback = client_on_event, .rx_buffer_size = 65536 },
	{ 0 },
};

static int parse_url(struct client *client, const char *url)
{
	const char *scheme;
	const char *path;

	client->scheme_copy = strdup(url);
	if (client->scheme_copy == NULL)
		return -ENOMEM;
	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		return -EINVAL;
	if (lws_parse_uri(client->scheme_copy, &scheme, &client->host, &client->port, &path))
		return -EINVAL;
	client->tls = strcmp(scheme, "https") == 0;
	client->base = path; /* without its leading slash */
	return client->host[0] == '\0' || client->port <= 0 || client->port > 65535 ? -EINVAL : 0;
}

struct client *client_new(const char *url, const char *token, char ret_error[CLIENT_ERROR_MAX])
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
	};
	struct client *client = calloc(1, sizeof(*client));

	if (client == NULL) {
		snprintf(ret_error, CLIENT_ERROR_MAX, "out of memory");
		return NULL;
	}
	client->last = &client->first;
	if (parse_url(client, url)) {
		snprintf(ret_error, CLIENT_ERROR_MAX,
			 "gateway URL '%s': expected http://HOST:PORT or https://HOST:PORT", url);
		client_free(client);
		return NULL;
	}
	if (token != NULL && snprintf(client->authorization, sizeof(client->authorization),
				      "token %s", token) >= (int)sizeof(client->authorization)) {
		snprintf(ret_error, CLIENT_ERROR_MAX, "the token is too long");
		client_free(client);
		return NULL;
	}
	if (client->tls)
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	info.user = client;
	lws_set_log_level(0, NULL);
	client->context = lws_create_context(&info);
	if (client->context == NULL) {
		snprintf(ret_error, CLIENT_ERROR_MAX, "cannot start the HTTP client");
		client_free(client);
		return NULL;
	}
	return client;
}

void client_watch(struct client *client, const volatile sig_atomic_t *interrupted)
{
	client->interrupted = interrupted;
}

void client_free(struct client *client)
{
	struct message *message;

	if (client == NULL)
		return;
	if (client->context != NULL)
		lws_context_destroy(client->context);
	while ((message = client->first) != NULL) {
		client->first = message->next;
		json_decref(message->json);
		free(message);
	}
	client_buffer_reset(&client->reply);
	client_buffer_reset(&client->incoming);
	free(client->request);
	free(client->outgoing);
	free(client->scheme_copy);
	explicit_bzero(client->authorization, sizeof(client->authorization));
	free(client);
}

const char *client_error(const struct client *client)
{
	return client->error[0] != '\0' ? client->error : "unknown error";
}

static void on_wake(lws_sorted_usec_list_t *sul)
{
	(void)sul; /* only so that lws_service returns */
}

/*
 * Serves until something notable happened or the deadline came; the timer makes lws_service
 * return in time for it. The caller looks at its own condition and calls again.
 */
static int serve(struct client *client, long long deadline)
{
	lws_sorted_usec_list_t timer = { 0 };
	int rc = 0;

	client->woken = false;
	while (!client->woken && rc == 0) {
		const long long left = deadline - now_ms();

		if (left <= 0) {
			rc = -ETIMEDOUT;
			break;
		}
		lws_sul_schedule(client->context, 0, &timer, on_wake, left * LWS_US_PER_MS);
		if (lws_service(client->context, 0) < 0)
			rc = errno == EINTR ? -EINTR : -EIO;
		else if (client->interrupted != NULL && *client->interrupted)
			rc = -EINTR;
	}
	lws_sul_schedule(client->context, 0, &timer, on_wake, LWS_SET_TIMER_USEC_CANCEL);
	return rc;
}

static struct lws *start(struct client *client, const char *method, const char *path,
			 struct lws **slot)
{
	char full[2048];
	struct lws_client_connect_info info = {
		.context = client->context,
		.address = client->host,
		.host = client->host,
		.origin = client->host,
		.port = client->port,
		.path = full,
		.method = method,
		.local_protocol_name = "http",
		.pwsi = slot,
		.ssl_connection = client->tls ? LCCSCF_USE_SSL : 0,
	};
	const size_t base_len = strlen(client->base);
	const bool slash = base_len > 0 && client->base[base_len - 1] == '/';

	client->error[0] = '\0';
	if (snprintf(full, sizeof(full), "/%.*s%s", (int)(slash ? base_len - 1 : base_len),
		     client->base, base_len == 0 || (base_len == 1 && slash) ? path + 1 : path) >=
	    (int)sizeof(full))
		return NULL;
	return lws_client_connect_via_info(&info);
}

/* A copy of text with the room libwebsockets wants in front of what it sends. */
static char *pad(const char *text, size_t *ret_len)
{
	const size_t len = strlen(text);
	char *padded = malloc(LWS_PRE + len + 1);

	if (padded == NULL)
		return NULL;
	memcpy(padded + LWS_PRE, text, len + 1);
	*ret_len = len;
	return padded;
}

int client_call(struct client *client, const char *method, const char *path, const json_t *body,
		struct client_reply *ret_reply)
{
	const long long deadline = now_ms() + CLIENT_CALL_MS;
	int rc = 0;

	free(client->request);
	client->request = NULL;
	client_buffer_reset(&client->reply);
	client->status = 0;
	client->done = client->failed = false;
	if (body != NULL) {
		char *text = json_dumps(body, JSON_COMPACT);

		client->request = text != NULL ? pad(text, &client->request_len) : NULL;
		free(text);
		if (client->request == NULL)
			return -ENOMEM;
	}
	start(client, method, path, &client->http);
	if (client->http == NULL && !client->done) {
		snprintf(client->error, sizeof(client->error), "connection failed");
		return -ECONNREFUSED;
	}
	while (!client->done && rc == 0)
		rc = serve(client, deadline);
	if (rc == -ETIMEDOUT)
		snprintf(client->error, sizeof(client->error), "no answer within %d s",
			 CLIENT_CALL_MS / 1000);
	if (client->http != NULL)
		lws_set_timeout(client->http, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
	if (rc == 0 && client->failed)
		rc = -ECONNREFUSED;
	if (rc == 0 && client->reply.overflow) {
		snprintf(client->error, sizeof(client->error), "the answer is over %u bytes",
			 CLIENT_BODY_MAX);
		rc = -EMSGSIZE;
	}
	if (rc != 0)
		return rc;
	ret_reply->status = client->status;
	ret_reply->json = client->reply.data == NULL
				  ? NULL
				  : json_loadb(client->reply.data, client->reply.len,
					       JSON_DECODE_ANY, NULL);
	return 0;
}

int client_ws_open(struct client *client, const char *path)
{
	const long long deadline = now_ms() + CLIENT_CALL_MS;
	int rc = 0;

	client->ws_open = client->ws_closed = client->failed = client->done = false;
	client->close_code = 0;
	start(client, NULL, path, &client->ws);
	while (!client->ws_open && rc == 0) {
		if (client->ws == NULL || client->failed || client->ws_closed)
			return -ECONNREFUSED;
		rc = serve(client, deadline);
	}
	return rc;
}

void client_ws_close(struct client *client)
{
	const long long deadline = now_ms() + 1000;

	if (client->ws == NULL)
		return;
	lws_close_reason(client->ws, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
	lws_set_timeout(client->ws, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
	while (!client->ws_closed && serve(client, deadline) == 0)
		;
}

int client_ws_send(struct client *client, const json_t *message)
{
	const long long deadline = now_ms() + CLIENT_CALL_MS;
	int rc = 0;
	char *text;

	while (client->outgoing != NULL && client->ws != NULL && rc == 0)
		rc = serve(client, deadline);
	if (rc != 0)
		return rc;
	if (client->ws == NULL)
		return -EPIPE;
	text = json_dumps(message, JSON_COMPACT);
	client->outgoing = text != NULL ? pad(text, &client->outgoing_len) : NULL;
	free(text);
	if (client->outgoing == NULL)
		return -ENOMEM;
	lws_callback_on_writable(client->ws);
	return 0;
}

int client_ws_receive(struct client *client, int timeout_ms, json_t **ret_message)
{
	const long long deadline = now_ms() + timeout_ms;
	struct message *message;

	while (client->first == NULL) {
		int rc;

		if (client->ws == NULL || client->ws_closed) {
			snprintf(client->error, sizeof(client->error),
				 "the gateway closed the connection (code %u)", client->close_code);
			return -EPIPE;
		}
		rc = serve(client, deadline);
		if (rc != 0)
			return rc;
	}
	message = client->first;
	client->first = message->next;
	if (client->first == NULL)
		client->last = &client->first;
	client->queued--;
	*ret_message = message->json;
	free(message);
	return 0;
}
