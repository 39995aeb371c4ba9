/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: wiping that is not optimised away, comparing that does not tell where it differed. */
#ifndef ANCHORHOLD_LINK_SECRET_H
#define ANCHORHOLD_LINK_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void secret_wipe(void *data, size_t len)
{
	explicit_bzero(data, len);
}

/* Time depends on len alone. The volatile keeps the compiler from an early exit. */
static inline bool secret_equal(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *left = a;
	const volatile uint8_t *right = b;
	uint8_t differ = 0;

	for (size_t i = 0; i < len; i++)
		differ = (uint8_t)(differ | (left[i] ^ right[i]));
	return differ == 0;
}

#endif
