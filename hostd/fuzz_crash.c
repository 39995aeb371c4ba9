/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that stood over a restart: whatever it holds, lines within their bounds come of it. */
#include <stdlib.h>
#include <string.h>

#include "hostd/crash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	if (!memchr(text, '\0', LINK_TEXT_MAX) || !link_display_ok(text))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1); /* no longer than it is: a byte beyond is found */
	struct crash crash;

	if (!text)
		return 0;
	memcpy(text, data, size);
	if (crash_read(text, size, &crash) == 0) {
		if (crash.count > CRASH_LINES_MAX || crash.cause[0] == '\0')
			abort();
		check_text(crash.cause);
		for (size_t i = 0; i < crash.count; i++)
			check_text(crash.lines[i]);
	}
	free(text);
	return 0;
}
