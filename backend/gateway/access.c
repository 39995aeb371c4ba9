/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/access.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

#define BASIC_MAX 256u

_Static_assert(crypto_hash_sha256_BYTES == STORE_HASH_LEN, "the store keeps SHA-256");

int access_path_split(const char *path, const char *base_url, struct access_path *ret_path)
{
	size_t base_len = strlen(base_url);
	const char *rest = path + base_len;

	memset(ret_path, 0, sizeof(*ret_path));
	if (strncmp(path, base_url, base_len) != 0 || *rest != '/')
		return -ENOENT;
	if (strncmp(rest, "/t/", 3) == 0) {
		const char *token = rest + 3;

		if (strnlen(token, IDS_TOKEN_LEN) != IDS_TOKEN_LEN)
			return -ENOENT;
		memcpy(ret_path->token, token, IDS_TOKEN_LEN);
		rest = token + IDS_TOKEN_LEN;
		if (!ids_token_ok(ret_path->token) || (*rest != '/' && *rest != '\0')) {
			sodium_memzero(ret_path->token, sizeof(ret_path->token));
			return -ENOENT;
		}
	}
	ret_path->rest = *rest == '\0' ? "/" : rest;
	ret_path->prefix_len = (size_t)(rest - path);
	return 0;
}

static int token_copy(const char *text, char ret_token[IDS_TOKEN_LEN + 1])
{
	while (*text == ' ')
		text++;
	if (!ids_token_ok(text))
		return -EINVAL;
	memcpy(ret_token, text, IDS_TOKEN_LEN + 1);
	return 0;
}

/* Basic: the user's name is ignored, the password is the token. */
static int basic(const char *value, char ret_token[IDS_TOKEN_LEN + 1])
{
	char plain[BASIC_MAX];
	const char *colon;
	size_t len;
	int r = -EINVAL;

	while (*value == ' ')
		value++;
	if (sodium_base642bin((unsigned char *)plain, sizeof(plain) - 1, value, strlen(value), NULL,
			      &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return -EINVAL;
	plain[len] = '\0';
	colon = strchr(plain, ':');
	if (colon != NULL)
		r = token_copy(colon + 1, ret_token);
	sodium_memzero(plain, sizeof(plain));
	return r;
}

int access_header(const char *value, char ret_token[IDS_TOKEN_LEN + 1])
{
	if (strncasecmp(value, "token ", 6) == 0)
		return token_copy(value + 6, ret_token);
	if (strncasecmp(value, "Bearer ", 7) == 0)
		return token_copy(value + 7, ret_token);
	if (strncasecmp(value, "Basic ", 6) == 0)
		return basic(value + 6, ret_token);
	return -EINVAL;
}

static void token_hash(const char *token, uint8_t ret_hash[STORE_HASH_LEN])
{
	crypto_hash_sha256(ret_hash, (const unsigned char *)token, IDS_TOKEN_LEN);
}

int access_token(struct store *store, const char *token, struct store_owner *ret_owner)
{
	uint8_t hash[STORE_HASH_LEN];
	int r;

	if (!ids_token_ok(token))
		return -EACCES;
	token_hash(token, hash);
	r = store_token_find(store, hash, ret_owner);
	return r == -ENOENT ? -EACCES : r;
}

int access_token_make(struct store *store, const struct store_owner *owner,
		      char ret_token[IDS_TOKEN_LEN + 1])
{
	uint8_t hash[STORE_HASH_LEN];

	ids_token_make(ret_token);
	token_hash(ret_token, hash);
	return store_token_add(store, hash, owner);
}

bool access_may(const struct store_owner *owner, const char *kernel_owner)
{
	return owner->admin || strcmp(owner->name, kernel_owner) == 0;
}
