/* SPDX-License-Identifier: Apache-2.0 */
/* The partitions of the node's disk, found by their GPT names. */
#ifndef ANCHORHOLD_INIT_PARTITION_H
#define ANCHORHOLD_INIT_PARTITION_H

#include <stddef.h>
#include <stdint.h>

#define DEVICE_NAME_MAX 32u

struct partition {
	char device[DEVICE_NAME_MAX]; /* "vda4", below /dev and /sys/class/block */
	char name[DEVICE_NAME_MAX];   /* the GPT name */
	unsigned number;	      /* from 1, in its disk's table */
};

/*
 * Reads a uevent file's text (KEY=VALUE lines). Returns 0, -ENOENT (a device, but no named
 * partition), -EINVAL (malformed).
 */
int partition_parse(const char *text, size_t len, struct partition *ret_partition);

/*
 * Looks through /sys/class/block for the partition with this GPT name. Returns 0, -ENOENT
 * (none yet: probing may still go on), -ENOTUNIQ (two: which one is ours is anybody's guess).
 */
int partition_find(const char *name, struct partition *ret_partition);

/* Bytes that a partition may have, from its start to its disk's end; all in sectors of 512. */
uint64_t partition_room(uint64_t disk_sectors, uint64_t start);

/*
 * Lets a partition, the last one of its disk, reach to the disk's end: the kernel's view of
 * it, at every boot; the table on disk stays as it was written. Returns 1 if it grew, 0 if
 * there was nothing to gain, -errno (-EBUSY: another partition follows).
 */
int partition_grow(const struct partition *partition);

/* Lets the ext4 file system mounted at path fill its device. Returns 0 or -errno. */
int filesystem_grow(const char *path, const struct partition *partition);

#endif
