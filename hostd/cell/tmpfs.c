/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/tmpfs.h"

#include "hostd/cell/sys.h"
#include "hostd/cell/util.h"

#include <inttypes.h>
#include <stdio.h>

#define BYTES_PER_INODE 16384u
#define INODES_MIN 1024u
#define INODES_MAX 1048576u

unsigned tmpfs_inodes(uint64_t size)
{
	uint64_t inodes = size / BYTES_PER_INODE;

	if (inodes < INODES_MIN)
		return INODES_MIN;
	return inodes > INODES_MAX ? INODES_MAX : (unsigned)inodes;
}

static int set_number(int fs, const char *key, const char *format, uint64_t value)
{
	char text[24];

	if (format[0] == 'o')
		snprintf(text, sizeof(text), "%" PRIo64, value);
	else
		snprintf(text, sizeof(text), "%" PRIu64, value);
	return sys_fsconfig_string(fs, key, text);
}

int tmpfs_new(const struct tmpfs_spec *spec, int *ret_fd)
{
	CLEANUP_FD int fs = sys_fsopen("tmpfs");
	const struct {
		const char *key, *format;
		uint64_t value;
	} options[] = {
		{"size", "u", spec->size},	   {"nr_inodes", "u", spec->inodes},
		{"mode", "o", spec->mode},	   {"uid", "u", spec->owner},
		{"gid", "u", spec->owner},
	};
	int result;

	if (fs < 0)
		return fs;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		result = set_number(fs, options[i].key, options[i].format, options[i].value);
		if (result < 0)
			return result;
	}
	result = sys_fsconfig_create(fs);
	if (result < 0)
		return result;
	result = sys_fsmount(fs, spec->attributes);
	if (result < 0)
		return result;
	*ret_fd = result;
	return 0;
}
