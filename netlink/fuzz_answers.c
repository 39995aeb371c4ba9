/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "netlink/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool last = false;
	int error = 0;

	if (nl_answers(data, size, 1, &error, &last) == 0 && (error > 0 || error < -4095))
		abort();
	return 0;
}
