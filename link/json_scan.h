/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict, bounded JSON scanner (RFC 8259): checks a text and finds the raw bytes of a member
 * of its top-level object, so that they can be passed on untouched.
 *
 * It allocates nothing and does not recurse; depth is at most JSON_DEPTH_MAX. Strings must be
 * valid UTF-8; NaN, Infinity, comments, trailing commas and trailing bytes are refused.
 * All functions return 0 or a negative errno; -EBADMSG where the text is not JSON.
 */
#ifndef ANCHORHOLD_LINK_JSON_SCAN_H
#define ANCHORHOLD_LINK_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link/bytes.h"

#define JSON_DEPTH_MAX 64u

enum json_kind {
	JSON_OBJECT = 1,
	JSON_ARRAY,
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

/* The text is one JSON value, white space around it allowed. */
int json_check(const uint8_t *text, size_t len, enum json_kind *ret_kind);

/*
 * Checks the whole text, which must be an object (-EBADMSG), and fills ret[i] with the raw value
 * of the member called names[i], without surrounding white space; {NULL, 0} where there is none.
 * Names are compared after escapes are decoded. A sought name that stands twice is refused
 * (-EBADMSG): readers differ in which of the two they take. names are printable ASCII of at
 * most 63 bytes; count is at most 16 (else -EINVAL). The slices point into text.
 */
int json_members(const uint8_t *text, size_t len, const char *const names[], size_t count,
		 struct link_slice ret[]);

/* One member; -ENOENT where there is none. */
int json_member(const uint8_t *text, size_t len, const char *name, struct link_slice *ret_value);

/* The kind of a raw value that json_members gave, by its first byte. */
enum json_kind json_kind_of(struct link_slice value);

/*
 * A raw string value decoded to NUL-terminated UTF-8. -EBADMSG where it is no string, holds an
 * escaped NUL or half a surrogate pair; -ENOBUFS where ret (size bytes) is too small.
 */
int json_string_get(struct link_slice value, char *ret, size_t size);

/* How many of the bytes from `at` on stand in a JSON string as they are: ASCII but controls, the
 * quotation mark and the backslash. */
size_t json_plain(const uint8_t *at, const uint8_t *end);

/* The text is valid UTF-8 (no overlong forms, no surrogates, at most U+10FFFF). */
bool json_utf8_ok(const uint8_t *text, size_t len);

/* Bytes of the valid UTF-8 sequence at `at`, which is before end; 0 where there is none. */
size_t json_utf8_sequence(const uint8_t *at, const uint8_t *end);

#endif
