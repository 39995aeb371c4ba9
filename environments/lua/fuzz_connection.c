/* SPDX-License-Identifier: Apache-2.0 */
#include "environments/lua/connection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct connection connection;

	if (connection_parse((const char *)data, size, &connection) == 0)
		connection_wipe(&connection);
	return 0;
}
