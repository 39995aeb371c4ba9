/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sample frames as files, one each, for others to read: the seeds of fuzz_wire and what
 * tests/protocol compares another implementation with.
 *
 *	link-vectors write FOLDER	writes them
 *	link-vectors check FOLDER	fails where one differs from what is there
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link/samples.h"

static bool vector_write(const char *path, const uint8_t *data, size_t len)
{
	FILE *file = fopen(path, "we");
	bool ok;

	if (file == NULL)
		return false;
	ok = fwrite(data, 1, len, file) == len;
	return fclose(file) == 0 && ok;
}

static bool vector_check(const char *path, const uint8_t *data, size_t len)
{
	static uint8_t there[LINK_FRAME_MAX + 1];
	FILE *file = fopen(path, "re");
	size_t got;

	if (file == NULL)
		return false;
	got = fread(there, 1, sizeof(there), file);
	fclose(file);
	return got == len && memcmp(there, data, len) == 0;
}

static bool each(const char *folder, struct link_frame *frame,
		 bool (*act)(const char *path, const uint8_t *data, size_t len))
{
	static uint8_t buf[LINK_FRAME_MAX];
	bool ok = true;

	for (size_t i = 0; i < sample_count(); i++) {
		char path[4096];
		size_t len = 0;

		sample_frame(i, frame);
		snprintf(path, sizeof(path), "%s/%s", folder, sample_name(i));
		if (link_frame_pack(frame, buf, sizeof(buf), &len) == 0 && act(path, buf, len))
			continue;
		fprintf(stderr, "link-vectors: '%s' failed\n", path);
		ok = false;
	}
	return ok;
}

int main(int argc, char **argv)
{
	struct link_frame *frame = calloc(1, sizeof(*frame));
	bool ok = false;

	if (frame != NULL && argc == 3 && strcmp(argv[1], "write") == 0)
		ok = each(argv[2], frame, vector_write);
	else if (frame != NULL && argc == 3 && strcmp(argv[1], "check") == 0)
		ok = each(argv[2], frame, vector_check);
	else
		fprintf(stderr, "usage: link-vectors write|check FOLDER\n");
	free(frame);
	return ok ? 0 : 1;
}
