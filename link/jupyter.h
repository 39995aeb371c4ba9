/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel's own wire format, as its five sockets speak it:
 *
 *	[ident ...] "<IDS|MSG>" hex-HMAC header parent_header metadata content [buffer ...]
 *
 * No sockets here: frames come as slices and go as slices. Everything a kernel sends is hostile:
 * numbers of frames and sizes have ceilings, a message without a valid signature is refused.
 * The HMAC covers the four dicts only; buffers and idents are not covered by the protocol.
 */
#ifndef ANCHORHOLD_LINK_JUPYTER_H
#define ANCHORHOLD_LINK_JUPYTER_H

#include <stddef.h>
#include <stdint.h>

#include "link/bytes.h"
#include "link/parts.h"

#define JUPYTER_IDENTS_MAX 8u
#define JUPYTER_IDENT_MAX 256u /* bytes of one ident or topic */
#define JUPYTER_FRAMES_MAX (JUPYTER_IDENTS_MAX + 2u + LINK_PARTS_MAX)
#define JUPYTER_KEY_LEN 64u	  /* hex characters, used as they are as the HMAC key */
#define JUPYTER_SIGNATURE_LEN 64u /* hex characters of HMAC-SHA256 */
#define JUPYTER_CONNECTION_MAX 512u
#define JUPYTER_DELIMITER "<IDS|MSG>"
#define JUPYTER_DELIMITER_LEN 9u

/* The ports of the connection file. With transport ipc a socket's name is IP-PORT. */
enum jupyter_port {
	JUPYTER_SHELL = 1,
	JUPYTER_IOPUB = 2,
	JUPYTER_STDIN = 3,
	JUPYTER_CONTROL = 4,
	JUPYTER_HB = 5,
};

struct jupyter_key {
	char hex[JUPYTER_KEY_LEN + 1]; /* secret: wipe after use (secret.h) */
};

struct jupyter_message {
	uint32_t idents_count;
	struct link_slice ident[JUPYTER_IDENTS_MAX];
	struct link_slice signature;
	struct link_parts parts;
};

/* The key of 32 random bytes. */
void jupyter_key_make(const uint8_t random[32], struct jupyter_key *ret_key);

/*
 * Splits frames into a view; slices point into the frames. -EBADMSG where the delimiter, the
 * signature or a dict is missing or misshapen; -EMSGSIZE over a ceiling. Does not verify.
 */
int jupyter_parse(const struct link_slice frames[], size_t count,
		  struct jupyter_message *ret_message);

/* 0 where the signature is the key's, in constant time; -EACCES where not. */
int jupyter_verify(const struct jupyter_key *key, const struct jupyter_message *message);

/* The signature of the four dicts, NUL-terminated. -EIO where the hash failed (no memory). */
int jupyter_sign(const struct jupyter_key *key, const struct link_parts *parts,
		 char ret_signature[JUPYTER_SIGNATURE_LEN + 1]);

/*
 * The connection file's JSON. prefix is the sockets' path without "-N" and kernel_name the
 * environment's; both of [A-Za-z0-9._/-] only (-EINVAL), and prefix + 2 must fit sun_path.
 * Holds the key: wipe buf after use. -ENOBUFS where size is too small.
 */
int jupyter_connection_write(const struct jupyter_key *key, const char *prefix,
			     const char *kernel_name, char *buf, size_t size, size_t *ret_len);

#endif
