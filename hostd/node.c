/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/value.h"
#include "hostd/status.h"

#define TEXT_MAX 16384

static void missing_add(struct link_hello *hello, const char *name, size_t len)
{
	char *to;

	if (hello->missing_count == LINK_PROMISES_MAX)
		return;
	to = hello->missing[hello->missing_count];
	if (len >= LINK_NAME_MAX)
		len = LINK_NAME_MAX - 1;
	for (size_t i = 0; i < len; i++)
		to[i] = name[i];
	to[len] = '\0';
	if (!link_identifier_ok(to))
		snprintf(to, LINK_NAME_MAX, "unnamed");
	hello->missing_count++;
}

void node_promises(const char *text, struct link_hello *hello)
{
	size_t lines = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (strncmp(text, "missing ", 8) == 0)
			missing_add(hello, text + 8, strcspn(text + 8, " \n"));
		else if (strncmp(text, "ok ", 3) != 0 && len > 0)
			missing_add(hello, "promises-unreadable", 19);
		lines++;
		hello->promises++;
		text += len + (text[len] == '\n');
	}
	/* No promise at all was kept: nothing was asked. */
	if (lines == 0)
		missing_add(hello, "promises-empty", 14);
}

void node_timeline(const char *text, struct link_hello *hello)
{
	while (*text && hello->timeline_count < LINK_STEPS_MAX) {
		struct link_step *step = &hello->timeline[hello->timeline_count];
		size_t len = strcspn(text, "\n");
		size_t name = strcspn(text, " \n");
		char *end;

		snprintf(step->name, sizeof(step->name), "%.*s", (int)name, text);
		step->ms = strtoull(text + name, &end, 10);
		if (link_identifier_ok(step->name) && text[name] == ' ' && end == text + len)
			hello->timeline_count++;
		text += len + (text[len] == '\n');
	}
}

/* Hyphens out, 32 digits in. */
static void boot_id(uint8_t ret[16])
{
	char text[64];
	char digits[33];
	size_t at = 0;

	memset(ret, 0, 16);
	if (status_file("/proc/sys/kernel/random/boot_id", text, sizeof(text)) < 0)
		return;
	for (const char *c = text; *c && at < 32; c++)
		if (*c != '-' && *c != '\n')
			digits[at++] = *c;
	digits[at] = '\0';
	(void)value_hex(digits, ret, 16);
}

/* An identifier as the link has them, "unknown" where the file has none. */
static void first_word(const char *path, char *ret, size_t size)
{
	char text[256];

	(void)status_file(path, text, sizeof(text));
	text[strcspn(text, " \n")] = '\0';
	snprintf(ret, size, "%.*s", (int)size - 1, text);
	if (!link_identifier_ok(ret))
		snprintf(ret, size, "unknown");
}

static void describe_environments(const struct environments *environments,
				  struct link_hello *hello)
{
	for (size_t i = 0; i < environments->count; i++) {
		const struct manifest *from = &environments->list[i]->manifest;
		struct link_environment *to = &hello->environments[i];

		memcpy(to->name, from->name, sizeof(to->name));
		memcpy(to->display_name, from->display_name, sizeof(to->display_name));
		memcpy(to->language, from->language, sizeof(to->language));
		memcpy(to->version, from->version, sizeof(to->version));
		to->interrupt_message = from->interrupt_message;
	}
	hello->environments_count = (uint32_t)environments->count;
}

void node_describe(const struct node_files *files, const struct node_conf *conf,
		   const struct environments *environments, struct link_hello *ret_hello)
{
	static char text[TEXT_MAX];
	uint32_t available;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	memset(ret_hello, 0, sizeof(*ret_hello));
	boot_id(ret_hello->boot_id);
	memcpy(ret_hello->name, conf->name, sizeof(ret_hello->name));
	first_word(files->version, ret_hello->version, sizeof(ret_hello->version));
	first_word(files->build_id, ret_hello->build_id, sizeof(ret_hello->build_id));
	ret_hello->cpus = cpus > 0 ? (uint32_t)cpus : 1;
	if (status_file("/proc/meminfo", text, sizeof(text)) > 0)
		(void)status_memory(text, &ret_hello->memory_mib, &available);
	ret_hello->kernels_max = conf->kernels_max;
	describe_environments(environments, ret_hello);
	if (status_file(files->promises, text, sizeof(text)) < 0)
		missing_add(ret_hello, "promises-unread", 15);
	else
		node_promises(text, ret_hello);
	if (files->timeline && status_file(files->timeline, text, sizeof(text)) > 0)
		node_timeline(text, ret_hello);
}
