/* SPDX-License-Identifier: Apache-2.0 */
/* Ours and the others in turns, so that a busy moment of the machine meets all of them alike. */
#include "hostd/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hostd/bench/spawn.h"

static void pause_ms(long ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&time, NULL);
}

/* Ends are reported before the kernel has taken down network namespaces: not the next one's. */
#define SETTLE_MS 15
#define PREPARED_MS 60 /* until a relay that is prepared waits too */

/* A cell that is made at the request, or one that was prepared; then that is a figure too. */
struct turn {
	bool ahead;
	struct samples reported, removed, prepared;
};

static int turn_ours(struct ours *ours, struct turn *turn)
{
	struct one *one = NULL;
	uint64_t began = bench_now_ns();

	if (turn->ahead) {
		if (one_prepare(ours, &one) < 0)
			return -1;
		samples_add(&turn->prepared, (double)(bench_now_ns() - began) / 1e6);
		pause_ms(PREPARED_MS);
		began = bench_now_ns();
	}
	if (one_start(ours, &one) < 0 || one_await(one) < 0)
		return -1;
	samples_add(&turn->reported, (double)(bench_now_ns() - began) / 1e6);
	if (one_remove(one) < 0)
		return -1;
	samples_add(&turn->removed, (double)(bench_now_ns() - began) / 1e6);
	return 0;
}

static int turn_other(enum other other, struct samples *samples)
{
	uint64_t began = bench_now_ns();

	if (other_run(other) < 0) {
		fprintf(stderr, "bench-cell: %s failed\n", other_names[other]);
		return -1;
	}
	samples_add(samples, (double)(bench_now_ns() - began) / 1e6);
	return 0;
}

int bench_turns(struct ours *ours, unsigned times)
{
	struct turn made = {
		.reported = {.name = "cell.unprepared.reported", .unit = "ms"},
		.removed = {.name = "cell.unprepared.removed", .unit = "ms"},
	};
	struct turn prepared = {
		.ahead = true,
		.reported = {.name = "cell.reported", .unit = "ms"},
		.removed = {.name = "cell.removed", .unit = "ms"},
		.prepared = {.name = "cell.prepare", .unit = "ms"},
	};
	struct samples others[OTHERS] = {0};
	static char names[OTHERS][32];

	for (int i = 0; i < OTHERS; i++) {
		snprintf(names[i], sizeof(names[i]), "cell.%s", other_names[i]);
		others[i].name = names[i];
		others[i].unit = "ms";
	}
	for (unsigned n = 0; n < times; n++) {
		if (turn_ours(ours, &prepared) < 0)
			return -1;
		pause_ms(SETTLE_MS);
		if (turn_ours(ours, &made) < 0)
			return -1;
		pause_ms(SETTLE_MS);
		for (int i = 0; i < OTHERS; i++) {
			if (turn_other((enum other)i, &others[i]) < 0)
				return -1;
			pause_ms(SETTLE_MS);
		}
	}
	figure_percentiles(&prepared.reported);
	figure_percentiles(&prepared.removed);
	figure_percentiles(&prepared.prepared);
	figure_percentiles(&made.reported);
	figure_percentiles(&made.removed);
	for (int i = 0; i < OTHERS; i++)
		figure_percentiles(&others[i]);
	return 0;
}

/* The median time that each step took since the mark before it, and when it was done. */
#define STEPS_MAX 64

struct step {
	const char *name;
	struct samples took, at;
};

static struct step *step_find(struct step *steps, const char *name)
{
	size_t i = 0;

	while (i < STEPS_MAX - 1 && steps[i].name && strcmp(steps[i].name, name) != 0)
		i++;
	steps[i].name = name;
	return &steps[i];
}

static int steps_of(struct ours *ours, unsigned times, bool ahead)
{
	struct step steps[STEPS_MAX] = {0};
	const char *whose = ahead ? "prepared" : "unprepared";
	struct trace *trace = ours->trace;

	for (unsigned n = 0; n < times; n++) {
		uint64_t began = bench_now_ns(), before = began;
		struct one *one = NULL;

		atomic_store(&trace->count, 0);
		if (ahead && one_prepare(ours, &one) < 0)
			return -1;
		if (ahead) {
			pause_ms(PREPARED_MS);
			atomic_store(&trace->count, 0);
			began = before = bench_now_ns();
		}
		if (one_start(ours, &one) < 0 || one_await(one) < 0 || one_remove(one) < 0)
			return -1;
		for (unsigned i = 0; i < atomic_load(&trace->count) && i < TRACE_MARKS_MAX; i++) {
			struct step *step = step_find(steps, trace->mark[i].step);

			samples_add(&step->took,
				    (double)(trace->mark[i].ns - before) / 1e6);
			samples_add(&step->at, (double)(trace->mark[i].ns - began) / 1e6);
			before = trace->mark[i].ns;
		}
		pause_ms(SETTLE_MS);
	}
	for (size_t i = 0; i < STEPS_MAX && steps[i].name; i++) {
		char name[96];

		snprintf(name, sizeof(name), "step.%s.%02zu %s", whose, i, steps[i].name);
		figure(name, samples_percentile(&steps[i].took, 50), "ms");
		snprintf(name, sizeof(name), "step.%s.%02zu %s: at", whose, i, steps[i].name);
		figure(name, samples_percentile(&steps[i].at, 50), "ms");
	}
	return 0;
}

int bench_steps(struct ours *ours, unsigned times)
{
	int r = steps_of(ours, times, true);

	return r < 0 ? r : steps_of(ours, times, false);
}

/* One after the other, as fast as it goes, everything paid for within the time. */
int bench_rate(struct ours *ours, unsigned seconds)
{
	uint64_t began = bench_now_ns(), busy = bench_busy_ns(), until;
	unsigned count = 0;

	until = began + seconds * 1000000000ull;
	while (bench_now_ns() < until) {
		struct one *one = NULL;

		if (one_start(ours, &one) < 0 || one_await(one) < 0 || one_remove(one) < 0)
			return -1;
		count++;
	}
	figure("rate.cells", (double)count * 1e9 / (double)(bench_now_ns() - began), "1/s");
	figure("rate.cpu", (double)(bench_busy_ns() - busy) / 1e6 / count, "CPU-ms each");
	return 0;
}

/* What one costs the whole machine, kernel threads that clean up later included. */
int bench_cpu(struct ours *ours, unsigned times)
{
	for (int i = -1; i < OTHERS; i++) {
		uint64_t busy = bench_busy_ns();
		char name[48];

		for (unsigned n = 0; n < times; n++) {
			struct one *one = NULL;

			if (i >= 0 ? other_run((enum other)i) < 0
				   : one_start(ours, &one) < 0 || one_await(one) < 0 ||
					     one_remove(one) < 0)
				return -1;
		}
		pause_ms(200);
		snprintf(name, sizeof(name), "cpu.%s", i < 0 ? "cell" : other_names[i]);
		figure(name, (double)(bench_busy_ns() - busy) / 1e6 / times, "CPU-ms");
	}
	return 0;
}
