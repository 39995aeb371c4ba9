/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "link/secret.h"

#define FILE_MAX 4096u
#define LOOPBACK "127.0.0.1" /* the only address that tcp may have */

static const struct {
	const char *name;
	enum jupyter_port port;
} port_rows[] = {
	{"shell_port", JUPYTER_SHELL},	   {"iopub_port", JUPYTER_IOPUB},
	{"stdin_port", JUPYTER_STDIN},	   {"control_port", JUPYTER_CONTROL},
	{"hb_port", JUPYTER_HB},
};

static int endpoint_write(char *ret, const char *ip, long long port)
{
	struct sockaddr_un address;
	int len;

	if (port < 1 || port > 65535)
		return -EINVAL;
	if (ip[0] != '/') {
		snprintf(ret, CONNECTION_ENDPOINT_MAX, "tcp://" LOOPBACK ":%lld", port);
		return 0;
	}
	len = snprintf(ret, CONNECTION_ENDPOINT_MAX, "ipc://%s-%lld", ip, port);
	if (len < 0 || (size_t)len >= CONNECTION_ENDPOINT_MAX ||
	    (size_t)len - strlen("ipc://") >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	return 0;
}

static int ports_get(const json_t *root, const char *ip, struct connection *ret)
{
	for (size_t i = 0; i < sizeof(port_rows) / sizeof(port_rows[0]); i++) {
		const json_t *port = json_object_get(root, port_rows[i].name);
		int rc;

		if (!json_is_integer(port))
			return -EBADMSG;
		rc = endpoint_write(ret->endpoint[port_rows[i].port], ip,
				    json_integer_value(port));
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int key_get(const char *text, struct jupyter_key *ret)
{
	if (strlen(text) != JUPYTER_KEY_LEN ||
	    strspn(text, "0123456789abcdef") != JUPYTER_KEY_LEN)
		return -EINVAL;
	memcpy(ret->hex, text, JUPYTER_KEY_LEN + 1);
	return 0;
}

int connection_parse(const char *text, size_t len, struct connection *ret_connection)
{
	const char *transport = NULL, *ip = NULL, *scheme = NULL, *key = NULL;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	int rc = -EBADMSG;

	memset(ret_connection, 0, sizeof(*ret_connection));
	if (root && json_unpack(root, "{s:s, s:s, s:s, s:s}", "transport", &transport, "ip", &ip,
				"signature_scheme", &scheme, "key", &key) == 0) {
		const bool tcp = strcmp(transport, "tcp") == 0;

		if ((!tcp && strcmp(transport, "ipc")) || strcmp(scheme, "hmac-sha256"))
			rc = -ENOTSUP;
		else if (tcp ? strcmp(ip, LOOPBACK) != 0 : ip[0] != '/')
			rc = -EINVAL;
		else
			rc = key_get(key, &ret_connection->key);
		if (rc == 0)
			rc = ports_get(root, ip, ret_connection);
	}
	json_decref(root);
	if (rc < 0)
		connection_wipe(ret_connection);
	return rc;
}

int connection_read(const char *path, struct connection *ret_connection)
{
	char text[FILE_MAX + 1];
	size_t len = 0;
	ssize_t got;
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((got = read(fd, text + len, sizeof(text) - len)) > 0)
		len += (size_t)got;
	rc = got < 0 ? -errno : 0;
	close(fd);
	if (rc == 0)
		rc = len > FILE_MAX ? -EFBIG : connection_parse(text, len, ret_connection);
	secret_wipe(text, sizeof(text));
	return rc;
}

void connection_wipe(struct connection *connection)
{
	secret_wipe(connection, sizeof(*connection));
}
