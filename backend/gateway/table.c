/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing, linear probing, tombstones; at most 5/8 full, swept when it grows. */
#include "backend/gateway/table.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_START 64u

struct slot {
	uint64_t hash;
	const void *key; /* NULL with a NULL value: never used; with a tombstone: free again */
	size_t key_len;
	void *value;
	bool tombstone;
};

struct table {
	unsigned char secret[crypto_shorthash_KEYBYTES];
	struct slot *slots;
	size_t size; /* a power of two */
	size_t count;
	size_t used; /* values and tombstones */
};

struct table *table_new(void)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->size = TABLE_START;
	table->slots = calloc(table->size, sizeof(*table->slots));
	if (table->slots == NULL) {
		free(table);
		return NULL;
	}
	randombytes_buf(table->secret, sizeof(table->secret));
	return table;
}

void table_free(struct table *table)
{
	if (table == NULL)
		return;
	free(table->slots);
	free(table);
}

static uint64_t hash_of(const struct table *table, const void *key, size_t key_len)
{
	uint64_t hash;

	_Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "one word");
	crypto_shorthash((unsigned char *)&hash, key, key_len, table->secret);
	return hash;
}

static struct slot *find(const struct table *table, uint64_t hash, const void *key, size_t key_len)
{
	size_t mask = table->size - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct slot *slot = &table->slots[i];

		if (slot->value == NULL && !slot->tombstone)
			return NULL;
		if (slot->value != NULL && slot->hash == hash && slot->key_len == key_len &&
		    memcmp(slot->key, key, key_len) == 0)
			return slot;
	}
}

static void place(struct slot *slots, size_t size, const struct slot *what)
{
	size_t i = what->hash & (size - 1);

	while (slots[i].value != NULL)
		i = (i + 1) & (size - 1);
	slots[i] = *what;
	slots[i].tombstone = false;
}

static int grow(struct table *table)
{
	size_t size = table->count * 4 > table->size ? table->size * 2 : table->size;
	struct slot *slots = calloc(size, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < table->size; i++)
		if (table->slots[i].value != NULL)
			place(slots, size, &table->slots[i]);
	free(table->slots);
	table->slots = slots;
	table->size = size;
	table->used = table->count;
	return 0;
}

int table_put(struct table *table, const void *key, size_t key_len, void *value)
{
	struct slot slot = {.key = key, .key_len = key_len, .value = value};

	slot.hash = hash_of(table, key, key_len);
	if (find(table, slot.hash, key, key_len) != NULL)
		return -EEXIST;
	if (table->used * 8 >= table->size * 5 && grow(table) < 0)
		return -ENOMEM;
	/* A tombstone taken over is counted twice; that only makes the next sweep earlier. */
	place(table->slots, table->size, &slot);
	table->count++;
	table->used++;
	return 0;
}

void *table_get(const struct table *table, const void *key, size_t key_len)
{
	struct slot *slot = find(table, hash_of(table, key, key_len), key, key_len);

	return slot == NULL ? NULL : slot->value;
}

void table_remove(struct table *table, const void *key, size_t key_len)
{
	struct slot *slot = find(table, hash_of(table, key, key_len), key, key_len);

	if (slot == NULL)
		return;
	memset(slot, 0, sizeof(*slot));
	slot->tombstone = true;
	table->count--;
}

size_t table_count(const struct table *table)
{
	return table->count;
}

void *table_next(const struct table *table, size_t *cursor)
{
	while (*cursor < table->size) {
		struct slot *slot = &table->slots[(*cursor)++];

		if (slot->value != NULL)
			return slot->value;
	}
	return NULL;
}
