/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "conf/value.h"
#include "init/lease.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_error error = {0};
	struct lease lease;

	if (lease_parse((const char *)data, size, &lease, &error) != 0) {
		if (error.text[0] == '\0')
			abort();
		return 0;
	}
	if (!ipv4_is_host(lease.address) || lease.bits < 1 || lease.bits > 32 ||
	    lease.seconds < LEASE_SECONDS_MIN || lease.seconds > LEASE_SECONDS_MAX ||
	    (lease.router != 0 && !ipv4_is_host(lease.router)))
		abort();
	return 0;
}
