/* SPDX-License-Identifier: Apache-2.0 */
/* An environment's manifest from any bytes: what is accepted can be started and named. */
#include <stdlib.h>
#include <string.h>

#include "hostd/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_error error = {0};
	struct manifest manifest;

	if (manifest_parse((const char *)data, size, &manifest, &error) != 0) {
		require(error.text[0] != '\0' && strlen(error.text) < CONF_ERROR_MAX);
		return 0;
	}
	require(link_identifier_ok(manifest.name) && link_identifier_ok(manifest.profile));
	require(manifest.argv[0] && manifest.argv[0][0] == '/');
	require(manifest.env_count <= MANIFEST_ENV_MAX && !manifest.env[manifest.env_count]);
	for (size_t i = 0; i < manifest.env_count; i++)
		require(strchr(manifest.env[i], '=') != NULL);
	require(manifest.data_blocks > 0 && manifest.data_blocks <= MANIFEST_BLOCKS_MAX);
	require(manifest.salt_len <= MANIFEST_SALT_MAX);
	return 0;
}
