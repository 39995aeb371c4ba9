/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-cell: what a cell costs, measured in the guest by a program of the cell's own code, so
 * that neither an interpreter nor a console is in the figures. For test images.
 *
 *	main.c	   the words, the machine's preparation
 *	machine.c  the root that all start from
 *	samples.c  values, percentiles, lines
 *	ours.c	   a whole cell with its relay, as the monitor makes them
 *	others.c   bare clone3, bubblewrap, crun, runc; bundle.c what they are told
 *	spawn.c	   all of them in turns; the steps; the rate; memory
 *	memory.c   what cells take while they live, or wait for their requests
 *	leaks.c	   what they leave when they are gone
 *	compare.c  a program inside and outside; calls.c is one
 */
#ifndef ANCHORHOLD_HOSTD_BENCH_H
#define ANCHORHOLD_HOSTD_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hostd/cell/cell.h"
#include "hostd/cell/trace.h"
#include "hostd/ipc.h"
#include "hostd/loop.h"

/* ---- machine.c ---- */

#define MACHINE_ENVIRONMENT "/rivals/environment"

/* environment, where it is not NULL, is then found at MACHINE_ENVIRONMENT. 0 or -errno. */
int machine_enter(const char *device, const char *environment);

/* ---- samples.c ---- */

struct samples {
	const char *name, *unit;
	double *value;
	size_t count, size;
};

uint64_t bench_now_ns(void);		 /* CLOCK_MONOTONIC */
uint64_t bench_cpu_ns(void);		 /* of this process and its waited-for children */
uint64_t bench_busy_ns(void);		 /* of the whole machine, from /proc/stat */
void samples_add(struct samples *samples, double value);
double samples_percentile(struct samples *samples, double percent);
void samples_free(struct samples *samples);

/* One line `name TAB value TAB unit` on standard output. */
void figure(const char *name, double value, const char *unit);
void figure_percentiles(struct samples *samples);

/* ---- ours.c ---- */

struct ours {
	struct loop *loop;
	struct cell_host *host;
	struct trace *trace; /* NULL: no marks */
	struct ipc_message *message;
	int environment, filter;
	const char *program; /* hostd, for relays */
	const char *cells;	    /* the path of its cgroups */
	const char *const *payload; /* NULL-terminated */
	const char *const *env;
	const char *profile;
	const char *control; /* what bench_leaks leaves behind on purpose; NULL: nothing */
	int output; /* the payload's, -1: nowhere */
	unsigned number; /* of the next cell */
};

struct one;

/* With its payload, environment, profile and trace filled in. */
int ours_open(struct ours *ours, int cells);
void ours_close(struct ours *ours);

/* Ahead of a request: a cell and its relay, both waiting, for one_start to give them away. */
int one_prepare(struct ours *ours, struct one **ret_one);

/* A cell with its relay, from the request on; nothing is waited for but what a start waits for.
 * *one: one prepared, or NULL for one that is made now. */
int one_start(struct ours *ours, struct one **one);

/* Runs until its end is reported; then until nothing of it is left. */
int one_await(struct one *one);
int one_remove(struct one *one);

/* ---- others.c ---- */

enum other { BARE, BUBBLEWRAP, CRUN, RUNC, OTHERS };

extern const char *const other_names[OTHERS];

/* Writes what they read: a bundle and a filter, in /run. */
int others_prepare(void);

/* From before the clone until its end was waited for. Negative: it failed. */
int other_run(enum other other);

#endif
