/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hostd/bench/link/bench_link.h"
#include "hostd/message.h"

static struct link_slice text(const char *string)
{
	return (struct link_slice){(const uint8_t *)string, strlen(string)};
}

/* Code of these benches has no character that JSON quotes but the quotation mark and the newline. */
static int quote(const char *code, char *ret, size_t size)
{
	size_t at = 0;

	for (; *code; code++) {
		if (at + 3 > size)
			return -EMSGSIZE;
		if (*code == '"' || *code == '\n')
			ret[at++] = '\\';
		ret[at++] = *code == '\n' ? 'n' : *code;
	}
	ret[at] = '\0';
	return 0;
}

int request_make(struct request *request, const char *code, struct link_parts *ret_parts)
{
	char quoted[2048];
	int r = quote(code, quoted, sizeof(quoted));

	if (r < 0)
		return r;
	message_id_make(request->msg_id);
	snprintf(request->header, sizeof(request->header),
		 "{\"msg_id\":\"%s\",\"session\":\"bench\",\"username\":\"bench\","
		 "\"date\":\"2026-01-01T00:00:00.000000Z\",\"msg_type\":\"execute_request\","
		 "\"version\":\"5.3\"}",
		 request->msg_id);
	snprintf(request->content, sizeof(request->content),
		 "{\"code\":\"%s\",\"silent\":false,\"store_history\":true,"
		 "\"user_expressions\":{},\"allow_stdin\":false,\"stop_on_error\":true}",
		 quoted);
	*ret_parts = (struct link_parts){.count = LINK_PARTS_MIN};
	ret_parts->part[LINK_HEADER] = text(request->header);
	ret_parts->part[LINK_PARENT] = text("{}");
	ret_parts->part[LINK_METADATA] = text("{}");
	ret_parts->part[LINK_CONTENT] = text(request->content);
	return 0;
}
