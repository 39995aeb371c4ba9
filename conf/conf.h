/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `key = value` texts: node.conf, environment manifests.
 *
 * One assignment a line; blanks around key and value are dropped; a line whose first
 * character is # is a comment. Keys are [a-z][a-z0-9_]*; values are printable ASCII and
 * never empty. A text is taken whole or refused: any unknown key, a key given twice (unless
 * CONF_REPEATED), a missing CONF_REQUIRED key, a control byte or a NUL anywhere ends in an
 * error that names the line, the key, the value and what was expected.
 *
 * The parser keeps no state, allocates nothing, and does no I/O (conf_read_file alone does).
 */
#ifndef ANCHORHOLD_CONF_H
#define ANCHORHOLD_CONF_H

#include <stddef.h>

#define CONF_FILE_MAX (64u * 1024u) /* bytes of a text */
#define CONF_LINE_MAX 1024u	    /* bytes of a line, newline not counted */
#define CONF_LINES_MAX 1024u	    /* assignments in a text; comments are free */
#define CONF_KEYS_MAX 64u	    /* rows of a table */
#define CONF_ERROR_MAX 256u

enum {
	CONF_REQUIRED = 1, /* must be given */
	CONF_REPEATED = 2, /* may be given more than once */
	CONF_SECRET = 4,   /* its value is in no error */
};

struct conf_key {
	const char *name;
	/*
	 * Takes one value (NUL-terminated, borrowed for the call) into object. Returns 0, or
	 * -EINVAL (not what is expected) or -ENOSPC (given too often). Other codes count as
	 * -EINVAL.
	 */
	int (*set)(void *object, const char *value);
	unsigned flags;
	const char *expected; /* for the error: "a number from 1 to 4096" */
};

struct conf_error {
	unsigned line; /* from 1; 0 when no one line is at fault (a missing key) */
	char text[CONF_ERROR_MAX]; /* printable, one line, says the line too */
};

/*
 * Reads len bytes of text by the rows of keys into object. Returns 0, or -EINVAL (malformed,
 * or a value refused), -EFBIG (over a ceiling); then *ret_error is filled and object may be
 * half set: throw it away.
 */
int conf_parse(const char *text, size_t len, const struct conf_key *keys, size_t keys_len,
	       void *object, struct conf_error *ret_error);

/* Fills *ret_error for a fault between keys, found after conf_parse. Returns -EINVAL. */
int conf_fault(struct conf_error *ret_error, const char *text);

/*
 * Reads the regular file at path, at most max bytes, following no link at its last name.
 * Returns 0, or -errno: -EFBIG (longer than max), -EINVAL (not a regular file). On success
 * *ret_text is malloc'd, owned by the caller, and has a NUL after its *ret_len bytes.
 */
int conf_read_file(const char *path, size_t max, char **ret_text, size_t *ret_len);

#endif
