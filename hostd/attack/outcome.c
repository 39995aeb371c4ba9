/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/attack/attempt.h"
#include "hostd/attack/without.h"

#include <stdio.h>

#define NAME(error) {error, #error}

static const struct {
	int error;
	const char *name;
} names[] = {
	NAME(E2BIG), NAME(EACCES), NAME(EADDRNOTAVAIL), NAME(EAFNOSUPPORT), NAME(EAGAIN),
	NAME(EBADF), NAME(EBADFD), NAME(EBUSY), NAME(ECHILD), NAME(ECONNREFUSED), NAME(EEXIST), NAME(EFAULT),
	NAME(EHOSTUNREACH), NAME(EINVAL), NAME(EIO), NAME(EISDIR), NAME(ELOOP), NAME(EMFILE),
	NAME(ENETUNREACH), NAME(ENODEV), NAME(ENOENT), NAME(ENOEXEC), NAME(ENOMEM),
	NAME(ENOPROTOOPT), NAME(ENOSPC), NAME(ENOSYS), NAME(ENOTBLK), NAME(ENOTCONN), NAME(ENOTDIR), NAME(ENOTSUP),
	NAME(ENOTTY), NAME(ENXIO), NAME(EOVERFLOW), NAME(EPERM), NAME(EPIPE),
	NAME(EPROTONOSUPPORT), NAME(ERANGE), NAME(EROFS), NAME(ESOCKTNOSUPPORT), NAME(ESRCH),
	NAME(ESTALE), NAME(ETIMEDOUT), NAME(ETXTBSY), NAME(EUSERS), NAME(EXDEV), NAME(ENOKEY), NAME(ENODATA), NAME(ENOPKG),
};

static const char *name_of(int error)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].error == error)
			return names[i].name;
	return NULL;
}

void outcome_format(long result, char *text, size_t size)
{
	int error = (int)-result;
	const char *by = "", *name;

	if (result >= 0) {
		snprintf(text, size, "ok");
		return;
	}
	if (error >= WITHOUT_MARK) {
		error -= WITHOUT_MARK;
		by = "filter:";
	}
	name = name_of(error);
	if (name)
		snprintf(text, size, "%s%s", by, name);
	else
		snprintf(text, size, "%s%d", by, error);
}
