/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "hostd/manifest.h"
#include "link/check.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* Every key once, as env_pack writes them; a row replaces or adds lines. */
static const char *const lines[] = {
	"name = python",
	"display_name = Python 3 (ipykernel)",
	"language = python",
	"version = 3.11.2",
	"argv = /usr/bin/python3 -m kernel -f {connection_file}",
	"env = PATH=/usr/bin:/bin",
	"env = HOME=/home/user",
	"profile = python",
	"interrupt = signal",
	"memory_min_mib = 128",
	"data_blocks = 8124",
	"root_hash = " HASH,
	"salt = " HASH,
};

static const struct {
	const char *row;
	const char *without; /* the line that begins so is left out */
	const char *with;
	int result;
} rows[] = {
	{"as it is", NULL, NULL, 0},
	{"no name", "name", NULL, -EINVAL},
	{"no argv", "argv", NULL, -EINVAL},
	{"no hash", "root_hash", NULL, -EINVAL},
	{"an unknown key", NULL, "shell = /bin/sh", -EINVAL},
	{"a key twice", NULL, "name = other", -EINVAL},
	{"a path for a name", "name", "name = ../python", -EINVAL},
	{"a profile with a slash", "profile", "profile = ../x", -EINVAL},
	{"a relative program", "argv", "argv = python3 -m kernel", -EINVAL},
	{"two spaces", "argv", "argv = /usr/bin/python3  -m", -EINVAL},
	{"too many words", "argv",
	 "argv = /a 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2", -EINVAL},
	{"a variable without a value", NULL, "env = PATH", -EINVAL},
	{"a variable without a name", NULL, "env = =x", -EINVAL},
	{"a short hash", "root_hash", "root_hash = 0011", -EINVAL},
	{"capitals in a hash", "root_hash", "root_hash = AA112233445566778899aabbccddeeff"
					    "00112233445566778899aabbccddeeff", -EINVAL},
	{"a short salt", "salt", "salt = 0011", 0},
	{"a salt of odd length", "salt", "salt = 001", -EINVAL},
	{"a salt too long", "salt", "salt = " HASH "00", -EINVAL},
	{"interrupt by message", "interrupt", "interrupt = message", 0},
	{"interrupt by magic", "interrupt", "interrupt = magic", -EINVAL},
	{"no memory", "memory_min_mib", "memory_min_mib = 0", -EINVAL},
	{"no blocks", "data_blocks", "data_blocks = 0", -EINVAL},
	{"blocks beyond the ceiling", "data_blocks", "data_blocks = 4194305", -EINVAL},
	{"a language with a space", "language", "language = py thon", -EINVAL},
};

static size_t text_make(char *text, size_t size, const char *without, const char *with)
{
	size_t at = 0;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		size_t len = without ? strlen(without) : 0;

		if (without && strncmp(lines[i], without, len) == 0 && lines[i][len] == ' ')
			continue;
		at += (size_t)snprintf(text + at, size - at, "%s\n", lines[i]);
	}
	if (with)
		at += (size_t)snprintf(text + at, size - at, "%s\n", with);
	return at;
}

int main(void)
{
	struct check check = {0};
	static struct manifest manifest;
	struct conf_error error;
	uint8_t public_key[32];
	uint8_t secret_key[64];
	uint8_t other_key[32];
	uint8_t signature[64];
	char text[4096];
	size_t len;

	CHECK_EQ(&check, sodium_init() < 0, 0);
	crypto_sign_keypair(other_key, secret_key);
	crypto_sign_keypair(public_key, secret_key);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(&check, rows[i].row);
		len = text_make(text, sizeof(text), rows[i].without, rows[i].with);
		crypto_sign_detached(signature, NULL, (uint8_t *)text, len, secret_key);
		CHECK_EQ(&check, manifest_open(text, len, signature, public_key, &manifest, &error),
			 rows[i].result);
		/* The signature comes first: without it nothing else is looked at. */
		CHECK_EQ(&check, manifest_open(text, len, signature, other_key, &manifest, &error),
			 -EKEYREJECTED);
		text[len / 2] ^= 1;
		CHECK_EQ(&check, manifest_open(text, len, signature, public_key, &manifest, &error),
			 -EKEYREJECTED);
	}
	check_row(&check, "what was read");
	len = text_make(text, sizeof(text), NULL, NULL);
	crypto_sign_detached(signature, NULL, (uint8_t *)text, len, secret_key);
	CHECK_EQ(&check, manifest_open(text, len, signature, public_key, &manifest, &error), 0);
	CHECK(&check, strcmp(manifest.argv[4], "{connection_file}") == 0 && !manifest.argv[5]);
	CHECK(&check, manifest.env_count == 2 && !manifest.env[2] && !manifest.interrupt_message);
	CHECK(&check, manifest.data_blocks == 8124 && manifest.root_hash[1] == 0x11);
	return CHECK_DONE(&check);
}
