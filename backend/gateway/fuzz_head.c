/* SPDX-License-Identifier: Apache-2.0 */
/* What an HTTP request says before anybody is known: paths, credentials, addresses. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backend/gateway/access.h"
#include "backend/gateway/options.h"
#include "backend/gateway/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const PATTERN[] = {"/api/kernels/{id}/channels", "/kernelspecs/{}/*",
					      "/api/anchorhold/nodes/{}/logs"};
	char param[REQUEST_PARAMS_MAX][REQUEST_PARAM_LEN], token[IDS_TOKEN_LEN + 1];
	struct options_address address;
	struct access_path path;
	uint8_t id[LINK_ID_LEN];
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (access_path_split(text, "/base", &path) == 0) {
		assert(path.rest[0] == '/');
		assert(path.token[0] == '\0' || ids_token_ok(path.token));
	}
	if (access_header(text, token) == 0)
		assert(ids_token_ok(token));
	for (size_t i = 0; i < sizeof(PATTERN) / sizeof(PATTERN[0]); i++)
		(void)route_match(PATTERN[i], text, param);
	(void)ids_uuid_parse(text, id);
	(void)ids_name_ok(text);
	(void)options_address_parse(text, &address);
	free(text);
	return 0;
}
