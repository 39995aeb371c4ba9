/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sample frames as bytes, for others: without an argument a line "name hex" each, on stdout
 * (tests/protocol reads it); with a folder, a file each in it (corpus/wire was made so).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link/samples.h"

static int write_file(const char *folder, const char *name, const uint8_t *data, size_t len)
{
	char path[4096];
	FILE *file;
	int bad;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return -1;
	file = fopen(path, "we");
	if (file == NULL)
		return -1;
	bad = fwrite(data, 1, len, file) != len;
	return fclose(file) != 0 || bad ? -1 : 0;
}

static int emit(const char *folder, const char *name, const uint8_t *data, size_t len)
{
	if (folder != NULL)
		return write_file(folder, name, data, len);
	printf("%s ", name);
	for (size_t i = 0; i < len; i++)
		printf("%02x", data[i]);
	return printf("\n") < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	static uint8_t buf[LINK_FRAME_MAX];
	struct link_frame *frame = calloc(1, sizeof(*frame));
	int bad = frame == NULL;

	for (size_t i = 0; i < sample_count() && !bad; i++) {
		size_t len = 0;

		sample_frame(i, frame);
		bad = link_frame_pack(frame, buf, sizeof(buf), &len) != 0 ||
		      emit(argc > 1 ? argv[1] : NULL, sample_name(i), buf, len) != 0;
	}
	free(frame);
	if (bad)
		fprintf(stderr, "vectors: cannot write\n");
	return bad ? 1 : 0;
}
