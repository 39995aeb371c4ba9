/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jupyter messages that hostd itself makes: what it asks of a kernel, and what it tells a reader
 * in the kernel's stead. All are parts blobs (link/parts.h); signing is the sender's.
 */
#ifndef ANCHORHOLD_HOSTD_MESSAGE_H
#define ANCHORHOLD_HOSTD_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "link/bytes.h"

#define MESSAGE_ID_LEN 32u   /* hex digits */
#define MESSAGE_DATE_MAX 28u /* "2026-11-21T23:40:44.123456Z" and its NUL */

/* Malloc'd; the caller frees data. */
struct message {
	uint8_t *data;
	size_t len;
};

/*
 * A message of that type, without a parent. content is JSON. id (MESSAGE_ID_LEN hex digits) is
 * the msg_id; NULL: a random one. 0, or -ENOMEM, or -EMSGSIZE.
 */
int message_make(const char *type, const char *id, const char *content,
		 struct message *ret_message);

/* `stream` on stderr. text is plain: it is quoted here; at most 512 bytes of it. */
int message_stderr(const char *text, struct message *ret_message);

/* The same, shown where the request with this header is: parent is its JSON; {NULL, 0}: none. */
int message_stderr_to(struct link_slice parent, const char *text, struct message *ret_message);

/* `status`: state is a Jupyter execution_state. */
int message_status(const char *state, struct message *ret_message);

/* As a header has it: of microseconds since 1970; "" after the year 9999. */
void message_date(uint64_t unix_us, char ret_date[MESSAGE_DATE_MAX]);

/* Random, NUL-terminated. */
void message_id_make(char ret_id[MESSAGE_ID_LEN + 1]);

#endif
