/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256's compression by x86's own instructions (SHA-NI). */
#ifndef ANCHORHOLD_LINK_SHA_NI_H
#define ANCHORHOLD_LINK_SHA_NI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA_BLOCK_LEN 64u
#define SHA_WORDS 8u

/* This processor has them. Asked once a process: under a hypervisor the question is slow. */
bool sha_ni_there(void);

/* Takes so many blocks into the state; only where sha_ni_there(). */
void sha_ni_blocks(uint32_t state[SHA_WORDS], const uint8_t *data, size_t blocks);

#endif
