/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "netlink/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every attribute that is found lies within what was searched. */
static void take(void *ctx, uint16_t type, const uint8_t *body, size_t len)
{
	for (uint16_t wanted = 0; wanted < 8; wanted++) {
		size_t value_len = 0;
		const uint8_t *value = nl_attribute(body, len, wanted, &value_len);

		if (value && (value < body || value_len > len ||
			      (size_t)(value - body) > len - value_len))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool last = false;
	int error = 0;

	if (nl_answers(data, size, 1, &error, &last) == 0 && (error > 0 || error < -4095))
		abort();
	if (nl_messages(data, size, take, NULL, &error, &last) == 0 &&
	    (error > 0 || error < -4095))
		abort();
	return 0;
}
