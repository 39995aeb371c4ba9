/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attempts of hostile code, one each, by name. tests/attack/probes says of each what refuses it.
 * An attempt is made in a process of its own and returns what it got, or -errno. It is written so
 * that it would succeed where nothing stood in its way, or get an answer that only the kernel's
 * own look at the arguments gives.
 */
#ifndef ANCHORHOLD_ATTACK_ATTEMPT_H
#define ANCHORHOLD_ATTACK_ATTEMPT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* What an attempt may aim at. Outside a cell these exist; inside they are mere numbers. */
struct world {
	pid_t host;	 /* a process of root's */
	pid_t neighbour; /* one of another cell's uid */
	dev_t disk;	 /* the node's own disk */
};

struct attempt {
	const char *name;
	long (*make)(const struct world *world);
};

/* An attempt that is one system call, or one open. */
struct call {
	const char *name;
	long number, argument[6];
};

struct opening {
	const char *name;
	const char *path; /* %h and %n: the pids of the world */
	int flags;
};

extern const struct call calls[];
extern const struct opening openings[];
extern const struct attempt file_attempts[], mount_attempts[], process_attempts[],
	socket_attempts[], datagram_attempts[], system_attempts[], terminal_attempts[];

/* The system call's result, or -errno. */
#define TRY(...) attempt_result(syscall(__VA_ARGS__))

static inline long attempt_result(long result)
{
	return result < 0 ? -errno : result;
}

/* EPERM as the name of one: what a filter that was marked (without.h) answered says so. */
void outcome_format(long result, char *text, size_t size);

/*
 * Every system call of one way of calling, 0..1023, a line each. Each process that makes some does
 * `enter` first, where there is one. Returns the exit status.
 */
int sweep(const char *way, void (*enter)(void *ctx), void *ctx, FILE *out);

#endif
