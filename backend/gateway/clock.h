/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks: one that only goes forward for deadlines, one for people. */
#ifndef ANCHORHOLD_GATEWAY_CLOCK_H
#define ANCHORHOLD_GATEWAY_CLOCK_H

#include <stdint.h>

#define CLOCK_STAMP_LEN 28 /* "2026-11-21T23:40:44.123456Z" and its NUL */

uint64_t clock_ms(void);      /* monotonic */
uint64_t clock_unix_us(void); /* since 1970 */

/*
 * Writes the time as Jupyter clients parse it: `%Y-%m-%dT%H:%M:%S.%fZ`, where jupyter_server
 * insists on both the fraction and the literal Z.
 */
void clock_stamp(uint64_t unix_us, char ret_text[CLOCK_STAMP_LEN]);

#endif
