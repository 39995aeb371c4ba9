/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

uint64_t bench_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t used_ns(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * 1000000000u +
	       ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000u;
}

uint64_t bench_cpu_ns(void)
{
	return used_ns(RUSAGE_SELF) + used_ns(RUSAGE_CHILDREN);
}

/* user, nice, system, idle, iowait, irq, softirq: all but the fourth and fifth are work. */
uint64_t bench_busy_ns(void)
{
	unsigned long long v[7] = {0};
	FILE *file = fopen("/proc/stat", "re");

	if (!file)
		return 0;
	if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3],
		   &v[4], &v[5], &v[6]) != 7)
		v[0] = 0;
	fclose(file);
	return (v[0] + v[1] + v[2] + v[5] + v[6]) * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

void samples_add(struct samples *samples, double value)
{
	if (samples->count == samples->size) {
		size_t size = samples->size ? samples->size * 2 : 128;
		double *grown = realloc(samples->value, size * sizeof(*grown));

		if (!grown)
			abort();
		samples->value = grown;
		samples->size = size;
	}
	samples->value[samples->count++] = value;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double samples_percentile(struct samples *samples, double percent)
{
	size_t at = (size_t)((double)samples->count * percent / 100);

	if (samples->count == 0)
		return 0;
	qsort(samples->value, samples->count, sizeof(*samples->value), compare);
	return samples->value[at < samples->count ? at : samples->count - 1];
}

void samples_free(struct samples *samples)
{
	free(samples->value);
	samples->value = NULL;
	samples->count = samples->size = 0;
}

void figure(const char *name, double value, const char *unit)
{
	printf("%s\t%.6g\t%s\n", name, value, unit);
	fflush(stdout);
}

void figure_percentiles(struct samples *samples)
{
	static const struct {
		const char *name;
		double percent;
	} rows[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}};
	char name[96];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(name, sizeof(name), "%s.%s", samples->name, rows[i].name);
		figure(name, samples_percentile(samples, rows[i].percent), samples->unit);
	}
}
