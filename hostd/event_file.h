/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's file: what event.c and event_file.c share; nothing else includes it. */
#ifndef ANCHORHOLD_HOSTD_EVENT_FILE_H
#define ANCHORHOLD_HOSTD_EVENT_FILE_H

#include "hostd/event.h"

/* At the end, whole or not at all. 0 or -errno. */
int event_file_append(struct event_journal *journal, const struct event_record *record);
int event_file_mark(struct event_journal *journal);

/* All of it, at most twice the ceiling: what is behind that is none of ours. NULL without memory. */
uint8_t *event_file_read(int fd, size_t *ret_len);

/* How many of the oldest have to go: none, or so many that half of the ceilings is left. */
uint32_t event_file_skip(const struct event_journal *journal, const uint8_t *bytes, size_t len);

/*
 * The journal anew in folder (-1: in memory), from the records in bytes that are not acknowledged,
 * without the oldest `skip`. 0, or -errno with the journal as it was.
 */
int event_file_rewrite(struct event_journal *journal, int folder, const uint8_t *bytes,
		       size_t len, uint32_t skip);

/* The disk does not take it, for this errno: what is not acknowledged goes on in memory. */
void event_file_to_memory(struct event_journal *journal, int error, const uint8_t *bytes,
			  size_t len);
void event_file_leave(struct event_journal *journal, int error); /* the same, of what is there */

#endif
