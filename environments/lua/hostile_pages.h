/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt at a file's cached pages: of hostile_pages.c and hostile_packets.c. */
#ifndef ANCHORHOLD_LUA_HOSTILE_PAGES_H
#define ANCHORHOLD_LUA_HOSTILE_PAGES_H

struct page_target {
	const char *path;
	int fd;	      /* read-only */
	char *shared; /* its first page, read-only */
	char *own;    /* the same, private and writable */
};

struct page_attempt {
	const char *name;
	long (*attempt)(struct page_target *target); /* below zero: refused, errno says how */
};

extern const struct page_attempt packet_attempts[]; /* ends with a row without a name */

#endif
