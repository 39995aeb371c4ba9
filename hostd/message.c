/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/message.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "link/parts.h"

#define HEADER_MAX 512u
#define CONTENT_MAX 1200u
#define DATE_SECONDS_LEN 19u /* of a year of four digits */

void message_id_make(char ret_id[MESSAGE_ID_LEN + 1])
{
	uint8_t random[MESSAGE_ID_LEN / 2];

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(ret_id, MESSAGE_ID_LEN + 1, random, sizeof(random));
}

/* The fraction is mandatory for some readers. */
void message_date(uint64_t unix_us, char ret_date[MESSAGE_DATE_MAX])
{
	const time_t seconds = (time_t)(unix_us / 1000000);
	struct tm tm;
	size_t len = 0;

	if (gmtime_r(&seconds, &tm))
		len = strftime(ret_date, MESSAGE_DATE_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	if (len == DATE_SECONDS_LEN)
		snprintf(ret_date + len, MESSAGE_DATE_MAX - len, ".%06uZ",
			 (unsigned)(unix_us % 1000000));
	else
		ret_date[0] = '\0';
}

static void date_now(char ret_date[MESSAGE_DATE_MAX])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	message_date((uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000, ret_date);
}

static struct link_slice text_slice(const char *text)
{
	return (struct link_slice){(const uint8_t *)text, strlen(text)};
}

static int make(const char *type, const char *id, struct link_slice parent, const char *content,
		struct message *ret_message)
{
	char own_id[MESSAGE_ID_LEN + 1];
	char date[MESSAGE_DATE_MAX];
	char header[HEADER_MAX];
	struct link_parts parts = {.count = LINK_PARTS_MIN};
	size_t size;
	int len;

	message_id_make(own_id);
	date_now(date);
	len = snprintf(header, sizeof(header),
		       "{\"msg_id\":\"%s\",\"session\":\"anchorhold\",\"username\":\"anchorhold\","
		       "\"date\":\"%s\",\"msg_type\":\"%s\",\"version\":\"5.3\"}",
		       id ? id : own_id, date, type);
	if (len < 0 || (size_t)len >= sizeof(header))
		return -EMSGSIZE;
	parts.part[LINK_HEADER] = text_slice(header);
	parts.part[LINK_PARENT] = parent;
	parts.part[LINK_METADATA] = text_slice("{}");
	parts.part[LINK_CONTENT] = text_slice(content);
	size = link_parts_size(&parts);
	if (size == 0)
		return -EMSGSIZE;
	ret_message->data = malloc(size);
	if (!ret_message->data)
		return -ENOMEM;
	return link_parts_pack(&parts, ret_message->data, size, &ret_message->len);
}

int message_make(const char *type, const char *id, const char *content,
		 struct message *ret_message)
{
	return make(type, id, text_slice("{}"), content, ret_message);
}

/* Quotes what JSON must have quoted; anything not ASCII becomes '?'. */
static void quote(const char *text, char *ret, size_t size)
{
	size_t at = 0;

	for (; *text && at + 3 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			ret[at++] = '\\';
		if (c == '\n') {
			ret[at++] = '\\';
			c = 'n';
		} else if (c < 0x20 || c > 0x7e) {
			c = '?';
		}
		ret[at++] = (char)c;
	}
	ret[at] = '\0';
}

int message_stderr_to(struct link_slice parent, const char *text, struct message *ret_message)
{
	char quoted[1024];
	char content[CONTENT_MAX];

	quote(text, quoted, sizeof(quoted));
	snprintf(content, sizeof(content), "{\"name\":\"stderr\",\"text\":\"%s\"}", quoted);
	return make("stream", NULL, parent.data ? parent : text_slice("{}"), content, ret_message);
}

int message_stderr(const char *text, struct message *ret_message)
{
	return message_stderr_to((struct link_slice){NULL, 0}, text, ret_message);
}

int message_status(const char *state, struct message *ret_message)
{
	char content[64];

	snprintf(content, sizeof(content), "{\"execution_state\":\"%.24s\"}", state);
	return message_make("status", NULL, content, ret_message);
}
