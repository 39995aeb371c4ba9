/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/manifest.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "conf/value.h"

static int set_text(char *ret, size_t size, const char *value)
{
	if (strlen(value) >= size)
		return -EINVAL;
	memcpy(ret, value, strlen(value) + 1);
	return 0;
}

/* As the link has them: HELLO could not be packed otherwise. */
static int set_identifier(char *ret, size_t size, const char *value)
{
	return link_identifier_ok(value) ? set_text(ret, size, value) : -EINVAL;
}

static int set_name(void *object, const char *value)
{
	struct manifest *manifest = object;

	return value_name(value, manifest->name, sizeof(manifest->name));
}

static int set_display_name(void *object, const char *value)
{
	struct manifest *manifest = object;

	return set_text(manifest->display_name, sizeof(manifest->display_name), value);
}

static int set_language(void *object, const char *value)
{
	struct manifest *manifest = object;

	return set_identifier(manifest->language, sizeof(manifest->language), value);
}

static int set_version(void *object, const char *value)
{
	struct manifest *manifest = object;

	return set_identifier(manifest->version, sizeof(manifest->version), value);
}

/* A file name in hostd/policy; the cell knows which there are. */
static int set_profile(void *object, const char *value)
{
	struct manifest *manifest = object;

	return value_name(value, manifest->profile, sizeof(manifest->profile));
}

static int set_interrupt(void *object, const char *value)
{
	struct manifest *manifest = object;

	manifest->interrupt_message = strcmp(value, "message") == 0;
	return manifest->interrupt_message || strcmp(value, "signal") == 0 ? 0 : -EINVAL;
}

static int set_memory_min(void *object, const char *value)
{
	struct manifest *manifest = object;

	return value_u32(value, 1, 1024 * 1024, &manifest->memory_min_mib);
}

static int set_data_blocks(void *object, const char *value)
{
	struct manifest *manifest = object;

	return value_u32(value, 1, MANIFEST_BLOCKS_MAX, &manifest->data_blocks);
}

static int set_root_hash(void *object, const char *value)
{
	struct manifest *manifest = object;

	return value_hex(value, manifest->root_hash, sizeof(manifest->root_hash));
}

static int set_salt(void *object, const char *value)
{
	struct manifest *manifest = object;
	size_t len = strlen(value) / 2;

	if (len > MANIFEST_SALT_MAX || value_hex(value, manifest->salt, len) < 0)
		return -EINVAL;
	manifest->salt_len = len;
	return 0;
}

/* Words are separated by one space: an empty word is a mistake, not an argument. */
static int set_argv(void *object, const char *value)
{
	struct manifest *manifest = object;
	size_t count = 0;
	char *at = manifest->argv_text;

	if (set_text(manifest->argv_text, sizeof(manifest->argv_text), value) < 0)
		return -EINVAL;
	while (at) {
		char *space = strchr(at, ' ');

		if (space)
			*space = '\0';
		if (*at == '\0' || count == MANIFEST_ARGS_MAX)
			return -EINVAL;
		manifest->argv[count++] = at;
		at = space ? space + 1 : NULL;
	}
	manifest->argv[count] = NULL;
	return manifest->argv[0][0] == '/' ? 0 : -EINVAL;
}

static int set_env(void *object, const char *value)
{
	struct manifest *manifest = object;
	size_t at = manifest->env_count;

	if (at == MANIFEST_ENV_MAX)
		return -ENOSPC;
	if (value[0] == '=' || !strchr(value, '='))
		return -EINVAL;
	if (set_text(manifest->env_text[at], sizeof(manifest->env_text[at]), value) < 0)
		return -EINVAL;
	manifest->env[at] = manifest->env_text[at];
	manifest->env[++manifest->env_count] = NULL;
	return 0;
}

static const struct conf_key keys[] = {
	{"name", set_name, CONF_REQUIRED, "a word of a-z, 0-9 and -"},
	{"display_name", set_display_name, CONF_REQUIRED, "at most 63 characters"},
	{"language", set_language, CONF_REQUIRED, "a word of letters, digits, . _ and -"},
	{"version", set_version, CONF_REQUIRED, "a word of letters, digits, . _ and -"},
	{"profile", set_profile, CONF_REQUIRED, "a word of a-z, 0-9 and -"},
	{"interrupt", set_interrupt, CONF_REQUIRED, "signal or message"},
	{"memory_min_mib", set_memory_min, CONF_REQUIRED, "a number of MiB"},
	{"data_blocks", set_data_blocks, CONF_REQUIRED, "a number of blocks of 4096 bytes"},
	{"root_hash", set_root_hash, CONF_REQUIRED, "64 hex digits"},
	{"salt", set_salt, CONF_REQUIRED, "at most 64 hex digits"},
	{"argv", set_argv, CONF_REQUIRED, "an absolute path and its arguments"},
	{"env", set_env, CONF_REPEATED, "NAME=VALUE"},
};

int manifest_open(const char *text, size_t len, const uint8_t signature[MANIFEST_SIGNATURE_LEN],
		  const uint8_t key[MANIFEST_KEY_LEN], struct manifest *ret_manifest,
		  struct conf_error *ret_error)
{
	memset(ret_manifest, 0, sizeof(*ret_manifest));
	if (crypto_sign_verify_detached(signature, (const unsigned char *)text, len, key) != 0) {
		ret_error->line = 0;
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "the signature is not by this release's key");
		return -EKEYREJECTED;
	}
	return manifest_parse(text, len, ret_manifest, ret_error);
}

int manifest_parse(const char *text, size_t len, struct manifest *ret_manifest,
		   struct conf_error *ret_error)
{
	memset(ret_manifest, 0, sizeof(*ret_manifest));
	return conf_parse(text, len, keys, sizeof(keys) / sizeof(keys[0]), ret_manifest,
			  ret_error);
}
