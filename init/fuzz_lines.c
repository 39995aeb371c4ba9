/* SPDX-License-Identifier: Apache-2.0 */
/* Every parser of init's that reads lines, or the kernel's notes. */
#include <stdlib.h>
#include <string.h>

#include "init/files.h"
#include "init/partition.h"
#include "init/promises.h"
#include "init/sysctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *rest = (const char *)data;
	char line[LINE_MAX_LEN], path[SYSCTL_PATH_MAX], hex[64], *name, *value;
	struct partition partition;
	struct promise promise;
	unsigned number = 0;
	size_t len = size;

	partition_parse((const char *)data, size, &partition);
	probe_build_id((const char *)data, size, hex, sizeof(hex));
	while (line_next(&rest, &len, &number, line) != 0) {
		if (promise_parse(line, &promise) == 0 && promise.args_len > PROBE_WORDS_MAX)
			abort();
		if (sysctl_split(line, &name, &value) == 0 && sysctl_path(name, path) == 0 &&
		    (strncmp(path, "/proc/sys/", 10) != 0 || strstr(path, "..")))
			abort();
	}
	return 0;
}
