/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "environments/lua/connection.h"
#include "link/check.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PORTS                                                                                      \
	"\"shell_port\": 1, \"iopub_port\": 2, \"stdin_port\": 3, \"control_port\": 4, "           \
	"\"hb_port\": 5"
#define REST(ip) "\"ip\": \"" ip "\", \"signature_scheme\": \"hmac-sha256\", \"key\": \"" KEY "\""

static const struct {
	const char *name;
	const char *text;
	int rc;
} rows[] = {
	{"good", "{\"transport\": \"ipc\", " REST("/run/kernel/k1") ", " PORTS "}", 0},
	{"unknown members", "{\"transport\": \"ipc\", \"x\": [], " REST("/k") ", " PORTS "}", 0},
	{"empty", "", -EBADMSG},
	{"not an object", "[]", -EBADMSG},
	{"cut short", "{\"transport\": \"ipc\", " REST("/k") ", " PORTS, -EBADMSG},
	{"bytes behind", "{\"transport\": \"ipc\", " REST("/k") ", " PORTS "} x", -EBADMSG},
	{"a member twice", "{\"transport\": \"ipc\", \"transport\": \"ipc\", " REST("/k") ", " PORTS "}",
	 -EBADMSG},
	{"tcp", "{\"transport\": \"tcp\", " REST("127.0.0.1") ", " PORTS "}", 0},
	{"tcp elsewhere", "{\"transport\": \"tcp\", " REST("0.0.0.0") ", " PORTS "}", -EINVAL},
	{"tcp to a path", "{\"transport\": \"tcp\", " REST("/k") ", " PORTS "}", -EINVAL},
	{"udp", "{\"transport\": \"udp\", " REST("127.0.0.1") ", " PORTS "}", -ENOTSUP},
	{"relative", "{\"transport\": \"ipc\", " REST("k") ", " PORTS "}", -EINVAL},
	{"no ports", "{\"transport\": \"ipc\", " REST("/k") "}", -EBADMSG},
	{"port as text", "{\"transport\": \"ipc\", " REST("/k") ", \"shell_port\": \"1\"}", -EBADMSG},
	{"port 0", "{\"transport\": \"ipc\", " REST("/k") ", \"shell_port\": 0}", -EINVAL},
	{"port 65536", "{\"transport\": \"ipc\", " REST("/k") ", \"shell_port\": 65536}", -EINVAL},
	{"other scheme",
	 "{\"transport\": \"ipc\", \"ip\": \"/k\", \"signature_scheme\": \"hmac-md5\", \"key\": \"" KEY
	 "\"}",
	 -ENOTSUP},
	{"short key",
	 "{\"transport\": \"ipc\", \"ip\": \"/k\", \"signature_scheme\": \"hmac-sha256\", \"key\": \"ab\"}",
	 -EINVAL},
	{"key is null",
	 "{\"transport\": \"ipc\", \"ip\": \"/k\", \"signature_scheme\": \"hmac-sha256\", \"key\": null}",
	 -EBADMSG},
};

static void test_rows(struct check *check)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct connection connection;

		check_row(check, rows[i].name);
		CHECK_EQ(check, connection_parse(rows[i].text, strlen(rows[i].text), &connection),
			 rows[i].rc);
		/* Nothing of a key is left of a file that was refused. */
		if (rows[i].rc < 0)
			CHECK(check, connection.key.hex[0] == '\0');
	}
	check_row(check, NULL);
}

static void test_values(struct check *check)
{
	struct connection connection;

	CHECK_EQ(check, connection_parse(rows[0].text, strlen(rows[0].text), &connection), 0);
	CHECK(check, !strcmp(connection.endpoint[JUPYTER_SHELL], "ipc:///run/kernel/k1-1"));
	CHECK(check, !strcmp(connection.endpoint[JUPYTER_HB], "ipc:///run/kernel/k1-5"));
	CHECK(check, !strcmp(connection.key.hex, KEY));
	connection_wipe(&connection);
	CHECK(check, connection.key.hex[0] == '\0');
}

/* sun_path holds 107 characters. */
static void test_path_length(struct check *check)
{
	for (int len = 100; len < 112; len++) {
		struct connection connection;
		char text[1024];

		snprintf(text, sizeof(text),
			 "{\"transport\": \"ipc\", \"ip\": \"/%0*d\", \"signature_scheme\": "
			 "\"hmac-sha256\", \"key\": \"" KEY "\", " PORTS "}",
			 len - 3, 0);
		CHECK_EQ(check, connection_parse(text, strlen(text), &connection),
			 len > 107 ? -ENAMETOOLONG : 0);
	}
}

int main(void)
{
	struct check check = {0};

	test_rows(&check);
	test_values(&check);
	test_path_length(&check);
	CHECK_EQ(&check, connection_read("/dev/null/none", &(struct connection){0}), -ENOTDIR);
	CHECK_EQ(&check, connection_read("/dev/zero", &(struct connection){0}), -EFBIG);
	return CHECK_DONE(&check);
}
