/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks? A token in a header, in the query or as a capability in the path.
 *
 *	Authorization: token T | Bearer T | Basic base64(user:T)
 *	?token=T
 *	/t/T/...
 *
 * Only a token's SHA-256 is stored and compared, so neither the store nor the time a look-up
 * takes tells anything about a token.
 */
#ifndef ANCHORHOLD_GATEWAY_ACCESS_H
#define ANCHORHOLD_GATEWAY_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/gateway/ids.h"
#include "backend/gateway/store.h"

struct access_path {
	const char *rest;  /* into the path given: what follows base and capability; "/..." */
	size_t prefix_len; /* of what precedes rest */
	char token[IDS_TOKEN_LEN + 1]; /* "" where the path carries none; wipe after use */
};

/*
 * Splits base_url and `/t/TOKEN` off. -ENOENT where the path is not below base_url or the
 * capability is misshapen.
 */
int access_path_split(const char *path, const char *base_url, struct access_path *ret_path);

/* The token of an Authorization header's value. -EINVAL where it holds none. */
int access_header(const char *value, char ret_token[IDS_TOKEN_LEN + 1]);

/* Whose token is it? -EACCES: nobody's (any more); -EIO: the store failed. */
int access_token(struct store *store, const char *token, struct store_owner *ret_owner);

/* Makes a token for owner and stores its hash. */
int access_token_make(struct store *store, const struct store_owner *owner,
		      char ret_token[IDS_TOKEN_LEN + 1]);

/* Owners see their own kernels, an administrator sees all. */
bool access_may(const struct store_owner *owner, const char *kernel_owner);

#endif
