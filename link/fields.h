/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames as data: a struct's fields in the order of their bytes, and the walk over them that
 * packs or unpacks. Used by wire.c alone; no table here holds state.
 *
 * An unpacked value is in range or the reader's error is set (-EBADMSG, -EMSGSIZE); a value to
 * pack that is out of range sets the writer's (-EINVAL, -EMSGSIZE).
 */
#ifndef ANCHORHOLD_LINK_FIELDS_H
#define ANCHORHOLD_LINK_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "link/bytes.h"

enum field_kind {
	FIELD_INTEGER, /* of .size bytes, within min..max */
	FIELD_BYTES,   /* .size raw bytes */
	FIELD_NAME,    /* identifier in a char array of .size */
	FIELD_PROJECT, /* identifier or empty */
	FIELD_DISPLAY, /* printable UTF-8, may be empty */
	FIELD_LIST,    /* u32 count (at .count), at most max; then rows of .stride */
	FIELD_DATA,    /* u32 length (at .count) within min..max; then bytes, behind a pointer */
	FIELD_WHEN,    /* .rows follow where the u8 at .count equals min */
};

struct field {
	enum field_kind kind;
	size_t offset;
	size_t size;
	size_t count;
	size_t stride;
	uint64_t min;
	uint64_t max;
	const struct field *rows;
	size_t rows_count;
};

void fields_pack(struct link_writer *writer, const struct field *fields, size_t count,
		 const void *base);

/* base is zeroed by the caller: fields that do not follow (FIELD_WHEN) stay zero. */
void fields_unpack(struct link_reader *reader, const struct field *fields, size_t count,
		   void *base);

#endif
