/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/knobs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 32u

static double clamp(double value, double low, double high)
{
	return value < low ? low : value > high ? high : value;
}

/* A plain positive decimal number; *ret_rest is what follows it. */
static int number(const char *text, double *ret_value, const char **ret_rest)
{
	char *end;

	if (strlen(text) > VALUE_MAX || strspn(text, "0123456789.") == 0)
		return -EINVAL;
	/* Of "1e9" strtod would take it all, and hexadecimal is no one's intention here. */
	if (strpbrk(text, "eExX") != NULL)
		return -EINVAL;
	*ret_value = strtod(text, &end);
	if (end == text || !isfinite(*ret_value) || *ret_value <= 0)
		return -EINVAL;
	*ret_rest = end;
	return 0;
}

static int cpus(const char *text, struct link_start *start, uint32_t *launch_ms)
{
	const char *rest;
	double value;

	(void)launch_ms;
	if (number(text, &value, &rest) < 0 || (*rest != '\0' && strcmp(rest, "m") != 0))
		return -EINVAL;
	if (*rest == '\0')
		value *= 1000;
	start->cpu_milli = (uint32_t)clamp(value, KNOBS_CPU_MIN_MILLI, KNOBS_CPU_MAX_MILLI);
	return 0;
}

static int memory(const char *text, struct link_start *start, uint32_t *launch_ms)
{
	static const struct {
		const char *unit;
		double mib;
	} UNIT[] = {
		{"", 1},	   {"M", 1},	    {"Mi", 1},	      {"MB", 1},
		{"MiB", 1},	   {"G", 1024},	    {"Gi", 1024},     {"GB", 1024},
		{"GiB", 1024},	   {"K", 1 / 1024.}, {"Ki", 1 / 1024.}, {"KB", 1 / 1024.},
		{"B", 1 / 1048576.},
	};
	const char *rest;
	double value;

	(void)launch_ms;
	if (number(text, &value, &rest) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(UNIT) / sizeof(UNIT[0]); i++) {
		if (strcmp(rest, UNIT[i].unit) != 0)
			continue;
		start->memory_mib = (uint32_t)clamp(value * UNIT[i].mib, KNOBS_MEMORY_MIN_MIB,
						    KNOBS_MEMORY_MAX_MIB);
		return 0;
	}
	return -EINVAL;
}

static int launch_timeout(const char *text, struct link_start *start, uint32_t *launch_ms)
{
	const char *rest;
	double value;

	(void)start;
	if (number(text, &value, &rest) < 0 || *rest != '\0')
		return -EINVAL;
	*launch_ms = (uint32_t)clamp(value * 1000, 1000, KNOBS_LAUNCH_MAX_MS);
	return 0;
}

static const struct {
	const char *name;
	int (*read)(const char *text, struct link_start *start, uint32_t *launch_ms);
} KNOB[] = {
	{"KERNEL_CPUS", cpus},
	{"KERNEL_MEMORY", memory},
	{"KERNEL_LAUNCH_TIMEOUT", launch_timeout},
};

int knobs_read(const json_t *env, struct link_start *start, uint32_t *ret_launch_ms,
	       const char **ret_bad)
{
	*ret_launch_ms = KNOBS_LAUNCH_DEFAULT_MS;
	*ret_bad = "env";
	if (env == NULL || json_is_null(env))
		return 0;
	if (!json_is_object(env))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(KNOB) / sizeof(KNOB[0]); i++) {
		const json_t *value = json_object_get(env, KNOB[i].name);

		if (value == NULL)
			continue;
		*ret_bad = KNOB[i].name;
		if (!json_is_string(value) ||
		    KNOB[i].read(json_string_value(value), start, ret_launch_ms) < 0)
			return -EINVAL;
	}
	return 0;
}
