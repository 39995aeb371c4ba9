/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/message.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

void nl_init(struct nl *nl)
{
	memset(nl, 0, sizeof(*nl));
}

/* Appends len bytes and zeros up to a multiple of four. */
static void append(struct nl *nl, const void *data, size_t len)
{
	size_t padded = NLMSG_ALIGN(len);

	if (nl->full || len > NL_BYTES_MAX || padded > NL_BYTES_MAX - nl->len) {
		nl->full = true;
		return;
	}
	memset(nl->bytes + nl->len, 0, padded);
	if (len > 0)
		memcpy(nl->bytes + nl->len, data, len);
	nl->len += padded;
}

void nl_begin(struct nl *nl, uint16_t type, uint16_t flags, const void *head, size_t head_len)
{
	struct nlmsghdr message = {
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | flags,
		.nlmsg_seq = ++nl->seq,
	};

	nl->message = nl->len;
	append(nl, &message, sizeof(message));
	append(nl, head, head_len);
}

void nl_end(struct nl *nl)
{
	uint32_t len = (uint32_t)(nl->len - nl->message);

	if (!nl->full)
		memcpy(nl->bytes + nl->message, &len, sizeof(len)); /* nlmsg_len is first */
}

void nl_ask(struct nl *nl)
{
	struct nlmsghdr message;

	if (nl->full || nl->seq == 0)
		return;
	memcpy(&message, nl->bytes + nl->message, sizeof(message));
	message.nlmsg_flags |= NLM_F_ACK;
	memcpy(nl->bytes + nl->message, &message, sizeof(message));
}

void nl_put(struct nl *nl, uint16_t type, const void *data, size_t len)
{
	struct nlattr attribute = {.nla_type = type, .nla_len = (uint16_t)(NLA_HDRLEN + len)};

	if (len > UINT16_MAX - NLA_HDRLEN)
		nl->full = true;
	append(nl, &attribute, sizeof(attribute));
	append(nl, data, len);
}

void nl_put_u32(struct nl *nl, uint16_t type, uint32_t value)
{
	nl_put(nl, type, &value, sizeof(value));
}

void nl_put_be32(struct nl *nl, uint16_t type, uint32_t value)
{
	nl_put_u32(nl, type, htonl(value));
}

void nl_put_be64(struct nl *nl, uint16_t type, uint64_t value)
{
	value = htobe64(value);
	nl_put(nl, type, &value, sizeof(value));
}

void nl_put_string(struct nl *nl, uint16_t type, const char *text)
{
	nl_put(nl, type, text, strlen(text) + 1);
}

void nl_put_head(struct nl *nl, const void *head, size_t len)
{
	append(nl, head, len);
}

void nl_nest(struct nl *nl, uint16_t type)
{
	if (nl->depth == NL_NESTS_MAX) {
		nl->full = true;
		return;
	}
	nl->nests[nl->depth++] = nl->len;
	nl_put(nl, type | NLA_F_NESTED, NULL, 0);
}

void nl_unnest(struct nl *nl)
{
	size_t begin;
	uint16_t len;

	if (nl->full || nl->depth == 0)
		return;
	begin = nl->nests[--nl->depth];
	len = (uint16_t)(nl->len - begin); /* fits: NL_BYTES_MAX is below 64 KiB */
	memcpy(nl->bytes + begin, &len, sizeof(len)); /* nla_len is first */
}

int nl_answers(const uint8_t *bytes, size_t len, uint32_t last, int *ret_error, bool *ret_last)
{
	while (len > 0) {
		struct nlmsghdr message;
		int32_t code;
		size_t step;

		if (len < sizeof(message))
			return -EBADMSG;
		memcpy(&message, bytes, sizeof(message));
		if (message.nlmsg_len < sizeof(message) || message.nlmsg_len > len)
			return -EBADMSG;
		if (message.nlmsg_type == NLMSG_ERROR) {
			if (message.nlmsg_len < sizeof(message) + sizeof(code))
				return -EBADMSG;
			memcpy(&code, bytes + sizeof(message), sizeof(code));
			if (code > 0 || code < -4095)
				return -EBADMSG;
			if (*ret_error == 0)
				*ret_error = code;
			if (message.nlmsg_seq == last)
				*ret_last = true;
		}
		step = NLMSG_ALIGN((size_t)message.nlmsg_len);
		bytes += step < len ? step : len;
		len -= step < len ? step : len;
	}
	return 0;
}

/* The next message's body and length of it all; false: the bytes are no message. */
static bool next_message(const uint8_t *bytes, size_t len, struct nlmsghdr *ret_message)
{
	if (len < sizeof(*ret_message))
		return false;
	memcpy(ret_message, bytes, sizeof(*ret_message));
	return ret_message->nlmsg_len >= sizeof(*ret_message) && ret_message->nlmsg_len <= len;
}

int nl_messages(const uint8_t *bytes, size_t len, nl_found *found, void *ctx, int *ret_error,
		bool *ret_done)
{
	struct nlmsghdr message;

	while (len > 0) {
		const uint8_t *body = bytes + sizeof(message);
		size_t body_len, step;
		int32_t code = 0;

		if (!next_message(bytes, len, &message))
			return -EBADMSG;
		body_len = message.nlmsg_len - sizeof(message);
		if (message.nlmsg_type == NLMSG_ERROR || message.nlmsg_type == NLMSG_DONE) {
			if (body_len >= sizeof(code))
				memcpy(&code, body, sizeof(code));
			if (code > 0 || code < -4095)
				return -EBADMSG;
			*ret_error = code;
			*ret_done = true;
			return 0;
		}
		found(ctx, message.nlmsg_type, body, body_len);
		step = NLMSG_ALIGN((size_t)message.nlmsg_len);
		bytes += step < len ? step : len;
		len -= step < len ? step : len;
	}
	return 0;
}

const uint8_t *nl_attribute(const uint8_t *bytes, size_t len, uint16_t type, size_t *ret_len)
{
	struct nlattr attribute;

	while (len >= sizeof(attribute)) {
		size_t step;

		memcpy(&attribute, bytes, sizeof(attribute));
		if (attribute.nla_len < sizeof(attribute) || attribute.nla_len > len)
			return NULL;
		if ((attribute.nla_type & NLA_TYPE_MASK) == type) {
			*ret_len = attribute.nla_len - sizeof(attribute);
			return bytes + sizeof(attribute);
		}
		step = NLA_ALIGN((size_t)attribute.nla_len);
		bytes += step < len ? step : len;
		len -= step < len ? step : len;
	}
	return NULL;
}
