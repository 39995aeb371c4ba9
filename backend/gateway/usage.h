/* SPDX-License-Identifier: Apache-2.0 */
/* What a node answers to USAGE: lines `key value`, as JSON numbers. Pure. */
#ifndef ANCHORHOLD_GATEWAY_USAGE_H
#define ANCHORHOLD_GATEWAY_USAGE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An object with a member a line; keys that the protocol does not have are left out. NULL where a
 * line is none: no key, no decimal number of up to 63 bits, a key twice, no newline at its end.
 */
json_t *usage_json(const uint8_t *text, size_t len);

#endif
