/* SPDX-License-Identifier: Apache-2.0 */
/* node.conf from any bytes: never a crash, and whatever is accepted holds its own rules. */
#include <stdlib.h>
#include <string.h>

#include "conf/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_error error = {0};
	struct node_conf conf;

	if (node_conf_parse((const char *)data, size, &conf, &error) != 0) {
		if (error.text[0] == '\0' || strlen(error.text) >= CONF_ERROR_MAX)
			abort();
		for (const char *c = error.text; *c; c++)
			if (*c < 0x20 || *c > 0x7e)
				abort();
		return 0;
	}
	if (conf.gateways_count < 1 || conf.gateways_count > NODE_GATEWAYS_MAX ||
	    conf.name[0] == '\0' || strlen(conf.gateway_key) != NODE_KEY_LEN ||
	    conf.kernels_max < 1 || conf.kernels_max > NODE_KERNELS_MAX ||
	    (conf.network == NODE_STATIC) != (conf.address.address != 0))
		abort();
	return 0;
}
