/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's log: one line a call, to stderr. Nothing secret is ever passed in: callers log
 * paths after `/t/...` and the query were taken off, and owners instead of tokens.
 */
#ifndef ANCHORHOLD_GATEWAY_LOG_H
#define ANCHORHOLD_GATEWAY_LOG_H

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
