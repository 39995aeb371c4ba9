/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of pointers by a key of bytes. It owns neither keys nor values: a key lives
 * inside its value, and a value is removed before it is freed.
 *
 * The hash is keyed by a random secret (SipHash): ids of kernels, sessions and clients come
 * from outside, and no one may choose them to collide.
 */
#ifndef ANCHORHOLD_GATEWAY_TABLE_H
#define ANCHORHOLD_GATEWAY_TABLE_H

#include <stddef.h>

struct table;

/* NULL: out of memory. */
struct table *table_new(void);
void table_free(struct table *table);

/* 0, -EEXIST or -ENOMEM. */
int table_put(struct table *table, const void *key, size_t key_len, void *value);
void *table_get(const struct table *table, const void *key, size_t key_len);
void table_remove(struct table *table, const void *key, size_t key_len);
size_t table_count(const struct table *table);

/*
 * Walks every value: start with *cursor 0, ends with NULL. While walking, the value just
 * returned may be removed, but nothing may be put.
 */
void *table_next(const struct table *table, size_t *cursor);

#endif
