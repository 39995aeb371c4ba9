/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Netlink messages, written into one bounded buffer. No I/O here.
 *
 * Putting never fails on its own: what does not fit sets `full`, later puts do nothing, and
 * sending refuses a full buffer, so that a caller checks once. Attributes are padded with
 * zero bytes; integers are in host order unless the name says be.
 */
#ifndef ANCHORHOLD_NETLINK_MESSAGE_H
#define ANCHORHOLD_NETLINK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NL_BYTES_MAX 61440u /* an attribute can be as long as 64 KiB */
#define NL_NESTS_MAX 8u

struct nl {
	_Alignas(4) uint8_t bytes[NL_BYTES_MAX];
	size_t len;
	size_t message;		   /* where the open message begins */
	size_t nests[NL_NESTS_MAX]; /* where the open attributes begin */
	unsigned depth;
	uint32_t seq; /* of the last message begun; the first is 1 */
	bool full;
};

void nl_init(struct nl *nl);

/* Begins a message: NLM_F_REQUEST | flags, then head (padded). Ended by nl_end. */
void nl_begin(struct nl *nl, uint16_t type, uint16_t flags, const void *head, size_t head_len);
void nl_end(struct nl *nl);

/* Asks for an acknowledgement (NLM_F_ACK) of the message begun last. */
void nl_ask(struct nl *nl);

void nl_put(struct nl *nl, uint16_t type, const void *data, size_t len);
void nl_put_u32(struct nl *nl, uint16_t type, uint32_t value);
void nl_put_be32(struct nl *nl, uint16_t type, uint32_t value);
void nl_put_be64(struct nl *nl, uint16_t type, uint64_t value);
void nl_put_string(struct nl *nl, uint16_t type, const char *text); /* with its NUL */

/* Inside a nest: a head of its own, as some kinds of nests begin with. */
void nl_put_head(struct nl *nl, const void *head, size_t len);

/* An attribute that holds attributes. */
void nl_nest(struct nl *nl, uint16_t type);
void nl_unnest(struct nl *nl);

/*
 * Reads one datagram of answers: *ret_error gets the first negative errno in it (0 if none),
 * *ret_last is set when the answer to message last is among them. Returns 0 or -EBADMSG.
 */
int nl_answers(const uint8_t *bytes, size_t len, uint32_t last, int *ret_error, bool *ret_last);

/*
 * Splits one datagram of a dump: calls found for each message that is no error and no end; body
 * is what follows the message's head. *ret_done is set at the dump's end, *ret_error gets its
 * negative errno (0 if none). Returns 0 or -EBADMSG.
 */
typedef void nl_found(void *ctx, uint16_t type, const uint8_t *body, size_t len);
int nl_messages(const uint8_t *bytes, size_t len, nl_found *found, void *ctx, int *ret_error,
		bool *ret_done);

/*
 * The first attribute of this type among len bytes of them: its value, borrowed, and its length
 * in *ret_len; NULL where there is none or the bytes are no attributes up to it.
 */
const uint8_t *nl_attribute(const uint8_t *bytes, size_t len, uint16_t type, size_t *ret_len);

#endif
