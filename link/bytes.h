/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded reader and a bounded writer of big-endian fields.
 *
 * Both carry a sticky error: after the first failure every further call does nothing (a get
 * returns zeros), so that a row of calls is followed by one check. They allocate nothing and
 * borrow the buffer given.
 */
#ifndef ANCHORHOLD_LINK_BYTES_H
#define ANCHORHOLD_LINK_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes; data may be NULL only where len is 0. */
struct link_slice {
	const uint8_t *data;
	size_t len;
};

struct link_reader {
	const uint8_t *data;
	size_t len;
	size_t at;
	int error; /* 0, or the first failure: -EBADMSG or -EMSGSIZE */
};

struct link_writer {
	uint8_t *data; /* NULL: only measures; nothing is written and size is not a limit */
	size_t size;
	size_t at;
	int error; /* 0, or the first failure: -ENOBUFS, -EINVAL or -EMSGSIZE */
	bool head; /* the bytes of data fields are left out, their lengths are not */
};

struct link_reader link_reader(const uint8_t *data, size_t len);
uint8_t link_get_u8(struct link_reader *reader);
uint16_t link_get_u16(struct link_reader *reader);
uint32_t link_get_u32(struct link_reader *reader);
uint64_t link_get_u64(struct link_reader *reader);
int32_t link_get_i32(struct link_reader *reader);

/* Copies exactly len bytes; zeros them on failure. */
void link_get_bytes(struct link_reader *reader, uint8_t *ret, size_t len);

/* A view of the next len bytes, living as long as the buffer; NULL on failure. */
const uint8_t *link_get_view(struct link_reader *reader, size_t len);

/*
 * A string of a u8 length: copied and NUL-terminated into ret, which has room for size bytes.
 * -EMSGSIZE where it does not fit, -EBADMSG where it holds a NUL. ret is "" on failure.
 */
void link_get_string(struct link_reader *reader, char *ret, size_t size);

/* Makes the error sticky where there is none yet; for checks of the caller's own. */
void link_reader_fail(struct link_reader *reader, int error);

/* The sticky error, or -EBADMSG where bytes are left over, or 0. */
int link_reader_end(const struct link_reader *reader);

struct link_writer link_writer(uint8_t *data, size_t size);
void link_put_u8(struct link_writer *writer, uint8_t value);
void link_put_u16(struct link_writer *writer, uint16_t value);
void link_put_u32(struct link_writer *writer, uint32_t value);
void link_put_u64(struct link_writer *writer, uint64_t value);
void link_put_i32(struct link_writer *writer, int32_t value);
void link_put_bytes(struct link_writer *writer, const uint8_t *data, size_t len);

/* A string of a u8 length; size is that of the array it lives in, so that a missing NUL is found
 * (-EINVAL). */
void link_put_string(struct link_writer *writer, const char *text, size_t size);
void link_writer_fail(struct link_writer *writer, int error);

#endif
