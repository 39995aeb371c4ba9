/* SPDX-License-Identifier: Apache-2.0 */
/* What a node says of a kernel: its usage as numbers, its end as a sentence. */
#include <string.h>

#include "backend/gateway/kernel.h"
#include "backend/gateway/usage.h"
#include "link/check.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void test_usage(struct check *check)
{
	static const struct {
		const char *text;
		int members; /* -1: refused */
	} ROW[] = {
		{"", 0},
		{"cpu_usec 1\nmemory_bytes 0\n", 2},
		{"cpu_usec 9223372036854775807\n", 1},
		{"of_a_later_version 5\npids 3\n", 1},
		{"cpu_usec 9223372036854775808\n", -1},
		{"cpu_usec 99999999999999999999\n", -1},
		{"cpu_usec 01\n", -1},
		{"cpu_usec -1\n", -1},
		{"cpu_usec 1", -1},
		{"cpu_usec\n", -1},
		{"cpu_usec \n", -1},
		{" 1\n", -1},
		{"\n", -1},
		{"pids 1\npids 2\n", -1},
		{"pids 1 2\n", -1},
		{"pids 1\r\n", -1},
	};

	for (size_t i = 0; i < COUNT_OF(ROW); i++) {
		json_t *usage = usage_json((const uint8_t *)ROW[i].text, strlen(ROW[i].text));

		check_row(check, ROW[i].text);
		CHECK_EQ(check, usage == NULL ? -1 : (int)json_object_size(usage), ROW[i].members);
		json_decref(usage);
	}
	check_row(check, NULL);
}

static void test_reasons(struct check *check)
{
	static const struct {
		uint8_t reason;
		int32_t status;
		uint32_t limit;
		const char *why, *text, *name;
		bool is_limit;
	} ROW[] = {
		{LINK_WHY_MEMORY, 9, 512, "",
		 "the kernel was ended: its memory limit of 512 MiB was reached", "memory", true},
		{LINK_WHY_MEMORY, 9, 0, "", "the kernel was ended: its memory limit was reached",
		 "memory", true},
		{LINK_WHY_MEMORY, 9, 0, "Anchorhold: the kernel was ended: it reached 600 MiB.",
		 "the kernel was ended: it reached 600 MiB.", "memory", true},
		{LINK_WHY_WALL, 0, 60, "its time is over", "its time is over", "wall", true},
		{LINK_WHY_WALL, 0, 60, "",
		 "the kernel was ended: its wall-clock limit of 60 s was reached", "wall", true},
		{LINK_WHY_IDLE, 0, 60, "", "the kernel was ended: its idle limit of 60 s was reached",
		 "idle", true},
		{LINK_WHY_EXECUTION, 0, 60, "",
		 "the kernel was ended: its limit of an execution's time of 60 s was reached",
		 "execution", true},
		{LINK_WHY_STALLED, 0, 512, "",
		 "the kernel was ended: it stalled, its memory limit of 512 MiB was reached",
		 "stalled", true},
		{LINK_WHY_EXITED, 3, 0, "", "the kernel exited with code 3", "exited", false},
		{LINK_WHY_SIGNAL, 11, 0, "", "the kernel was killed by signal 11 (Segmentation fault)",
		 "signal", false},
		{LINK_WHY_STOPPED, 0, 0, "", "the kernel was stopped", "stopped", false},
		{LINK_WHY_NONE, 0, 0, "gone", "the kernel is gone: gone", "unknown", false},
		{200, 0, 0, "", "the kernel is gone", "unknown", false},
	};

	for (size_t i = 0; i < COUNT_OF(ROW); i++) {
		struct kernel kernel = {.state = LINK_KERNEL_DEAD,
					.reason = ROW[i].reason,
					.status = ROW[i].status};
		char text[LINK_TEXT_MAX + 128];

		kernel.start.memory_mib = kernel.start.wall_s = kernel.start.idle_s =
			kernel.start.execution_s = ROW[i].limit;
		strcpy(kernel.why, ROW[i].why);
		kernel_reason(&kernel, text, sizeof(text));
		check_row(check, ROW[i].text);
		CHECK(check, strcmp(text, ROW[i].text) == 0);
		CHECK(check, strcmp(kernel_reason_name(&kernel), ROW[i].name) == 0);
		CHECK_EQ(check, kernel_limit(&kernel), ROW[i].is_limit);
		kernel.state = LINK_KERNEL_READY;
		CHECK(check, strcmp(kernel_reason_name(&kernel), "") == 0);
	}
	check_row(check, NULL);
}

int main(void)
{
	struct check check = {0};

	test_usage(&check);
	test_reasons(&check);
	return CHECK_DONE(&check);
}
