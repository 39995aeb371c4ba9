/* SPDX-License-Identifier: Apache-2.0 */
/* A record holds names of a cell's choice: what is taken of it is in range and the kernel's own. */
#include <stdlib.h>
#include <string.h>

#include "hostd/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct audit_denial denial = {0};
	char *text = malloc(size ? size : 1); /* no longer than it is: a byte beyond is found */
	char *longer;

	if (!text)
		return 0;
	memcpy(text, data, size);
	if (audit_parse(text, size, &denial) == 0) {
		if (denial.call < 0 || denial.signal < 0 || denial.signal > 64)
			abort();
		/* The whole text was read: with anything behind it, it is none. */
		longer = malloc(size + 1);
		if (longer) {
			memcpy(longer, data, size);
			longer[size] = ' ';
			if (audit_parse(longer, size + 1, &denial) == 0)
				abort();
		}
		free(longer);
	}
	free(text);
	return 0;
}
