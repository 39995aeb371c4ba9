/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An environment's manifest: the signed text that says what its image is and how its kernel is
 * started. Verified first, parsed after: an unsigned byte never reaches the parser.
 */
#ifndef ANCHORHOLD_HOSTD_MANIFEST_H
#define ANCHORHOLD_HOSTD_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "link/wire.h"

#define MANIFEST_KEY_LEN 32u
#define MANIFEST_SIGNATURE_LEN 64u
#define MANIFEST_ARGS_MAX 32u
#define MANIFEST_ENV_MAX 32u
#define MANIFEST_SALT_MAX 32u
#define MANIFEST_HASH_LEN 32u
#define MANIFEST_BLOCKS_MAX (4u * 1024u * 1024u) /* of 4096 bytes */

struct manifest {
	char name[LINK_NAME_MAX];
	char display_name[LINK_NAME_MAX];
	char language[LINK_NAME_MAX];
	char version[LINK_NAME_MAX];
	char profile[LINK_NAME_MAX];
	bool interrupt_message;
	uint32_t memory_min_mib;
	uint32_t data_blocks;
	uint8_t root_hash[MANIFEST_HASH_LEN];
	uint8_t salt[MANIFEST_SALT_MAX];
	size_t salt_len;
	char argv_text[CONF_LINE_MAX]; /* what argv points into */
	char *argv[MANIFEST_ARGS_MAX + 1];
	char env_text[MANIFEST_ENV_MAX][CONF_LINE_MAX / 4];
	char *env[MANIFEST_ENV_MAX + 1];
	size_t env_count;
};

/*
 * text is signed by key and is a complete manifest. -EKEYREJECTED: the signature is not the
 * key's; -EINVAL or -EFBIG: as conf_parse. *ret_error is filled in every case. The manifest must
 * not be moved: argv and env point into it.
 */
int manifest_open(const char *text, size_t len, const uint8_t signature[MANIFEST_SIGNATURE_LEN],
		  const uint8_t key[MANIFEST_KEY_LEN], struct manifest *ret_manifest,
		  struct conf_error *ret_error);

/* The same of a manifest that nobody signed, which no image takes. */
int manifest_parse(const char *text, size_t len, struct manifest *ret_manifest,
		   struct conf_error *ret_error);

#endif
