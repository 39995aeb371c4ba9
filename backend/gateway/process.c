/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/process.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* libwebsockets makes a table of as many: more than a fleet and its users need is only memory. */
#define FILES_MAX 65536u
#define HEAP_KEPT (4 << 20)

int process_harden(void)
{
	const struct rlimit none = {0, 0};
	struct rlimit files;

	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    getrlimit(RLIMIT_NOFILE, &files) < 0)
		return -errno;
	files.rlim_cur = files.rlim_max < FILES_MAX ? files.rlim_max : FILES_MAX;
	return setrlimit(RLIMIT_NOFILE, &files) < 0 ? -errno : 0;
}

void process_heap(void)
{
#ifdef M_TRIM_THRESHOLD
	/* Best effort: without them it is only slower. */
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_KEPT);
#endif
}

void *process_realloc_wiped(void *data, size_t size, const char *what)
{
	size_t old = data == NULL ? 0 : malloc_usable_size(data);
	void *again = NULL;

	(void)what;
	if (size > 0 && size <= old && size > old / 2)
		return data;
	if (size > 0) {
		again = malloc(size);
		if (again == NULL)
			return NULL;
		if (old > 0)
			memcpy(again, data, old < size ? old : size);
	}
	if (old > 0)
		explicit_bzero(data, old);
	free(data);
	return again;
}
