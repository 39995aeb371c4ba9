/* SPDX-License-Identifier: Apache-2.0 */
#include "link/jupyter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "link/hmac.h"
#include "link/secret.h"

#define SUN_PATH_MAX 107u

_Static_assert(JUPYTER_SIGNATURE_LEN == 2 * HMAC_LEN, "a signature is a hash in hex");
_Static_assert(JUPYTER_KEY_LEN == HMAC_KEY_LEN, "the key is its hex");

static void hex_write(const uint8_t *bytes, size_t len, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		ret_text[2 * i] = digits[bytes[i] >> 4];
		ret_text[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret_text[2 * len] = '\0';
}

void jupyter_key_make(const uint8_t random[32], struct jupyter_key *ret_key)
{
	hex_write(random, 32, ret_key->hex);
}

/* ---- frames to a message ---- */

static bool frame_is_delimiter(struct link_slice frame)
{
	return frame.len == JUPYTER_DELIMITER_LEN &&
	       memcmp(frame.data, JUPYTER_DELIMITER, JUPYTER_DELIMITER_LEN) == 0;
}

static int parse_idents(const struct link_slice frames[], size_t count,
			struct jupyter_message *message)
{
	for (size_t i = 0; i < count; i++) {
		if (frame_is_delimiter(frames[i])) {
			message->idents_count = (uint32_t)i;
			return 0;
		}
		if (i == JUPYTER_IDENTS_MAX || frames[i].len > JUPYTER_IDENT_MAX)
			return -EMSGSIZE;
		message->ident[i] = frames[i];
	}
	return -EBADMSG;
}

static int parse_parts(const struct link_slice frames[], size_t count, struct link_parts *parts)
{
	if (count < LINK_PARTS_MIN)
		return -EBADMSG;
	if (count > LINK_PARTS_MAX)
		return -EMSGSIZE;
	for (size_t i = 0; i < count; i++) {
		if (i < LINK_BUFFERS && frames[i].len == 0)
			return -EBADMSG;
		parts->part[i] = frames[i];
	}
	parts->count = (uint32_t)count;
	return link_parts_size(parts) == 0 ? -EMSGSIZE : 0;
}

int jupyter_parse(const struct link_slice frames[], size_t count,
		  struct jupyter_message *ret_message)
{
	size_t at;
	int error;

	if (count > JUPYTER_FRAMES_MAX)
		return -EMSGSIZE;
	error = parse_idents(frames, count, ret_message);
	if (error != 0)
		return error;
	at = ret_message->idents_count + 1u;
	if (at == count || frames[at].len != JUPYTER_SIGNATURE_LEN)
		return -EBADMSG; /* an empty signature is "do not verify" elsewhere; not here */
	ret_message->signature = frames[at];
	at++;
	return parse_parts(frames + at, count - at, &ret_message->parts);
}

/* ---- signatures ---- */

int jupyter_sign(const struct jupyter_key *key, const struct link_parts *parts,
		 char ret_signature[JUPYTER_SIGNATURE_LEN + 1])
{
	uint8_t hash[HMAC_LEN];
	int error = hmac_sha256((const uint8_t *)key->hex, parts->part, LINK_BUFFERS, hash);

	if (error == 0)
		hex_write(hash, sizeof(hash), ret_signature);
	secret_wipe(hash, sizeof(hash));
	return error;
}

int jupyter_verify(const struct jupyter_key *key, const struct jupyter_message *message)
{
	char want[JUPYTER_SIGNATURE_LEN + 1];
	int error = jupyter_sign(key, &message->parts, want);

	if (error != 0)
		return error;
	if (message->signature.len != JUPYTER_SIGNATURE_LEN ||
	    !secret_equal(want, message->signature.data, JUPYTER_SIGNATURE_LEN))
		error = -EACCES;
	/* It is the right signature of a message that need not be: not to be left lying about. */
	secret_wipe(want, sizeof(want));
	return error;
}

/* ---- the connection file ---- */

/* Only what needs no escape in JSON and no quoting anywhere else. */
static bool path_ok(const char *text, size_t max)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._/-";
	size_t len = strlen(text);

	return len > 0 && len <= max && strspn(text, allowed) == len;
}

int jupyter_connection_write(const struct jupyter_key *key, const char *prefix,
			     const char *kernel_name, char *buf, size_t size, size_t *ret_len)
{
	int len;

	if (!path_ok(prefix, SUN_PATH_MAX - strlen("-N")) ||
	    !path_ok(kernel_name, LINK_NAME_MAX - 1) || strlen(key->hex) != JUPYTER_KEY_LEN)
		return -EINVAL;
	len = snprintf(buf, size,
		       "{\"transport\": \"ipc\", \"ip\": \"%s\", \"shell_port\": %d, "
		       "\"iopub_port\": %d, \"stdin_port\": %d, \"control_port\": %d, "
		       "\"hb_port\": %d, \"key\": \"%s\", \"signature_scheme\": \"hmac-sha256\", "
		       "\"kernel_name\": \"%s\"}\n",
		       prefix, JUPYTER_SHELL, JUPYTER_IOPUB, JUPYTER_STDIN, JUPYTER_CONTROL,
		       JUPYTER_HB, key->hex, kernel_name);
	if (len < 0 || (size_t)len >= size) {
		secret_wipe(buf, size);
		return -ENOBUFS;
	}
	*ret_len = (size_t)len;
	return 0;
}
