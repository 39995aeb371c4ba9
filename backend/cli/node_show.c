/* SPDX-License-Identifier: Apache-2.0 */
/* node show: one node, for people first. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "backend/cli/cli.h"

#define TEXT_MAX 4096u

static const int want_ok[] = { 200, 0 };

/* A line `name  text`; what a node says reaches the terminal without control bytes. */
__attribute__((format(printf, 2, 3))) static void line(const char *name, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *c = text; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	printf("%-13s %s\n", name, text);
}

static json_int_t number(const json_t *node, const char *name)
{
	return json_integer_value(json_object_get(node, name));
}

/* The strings of a list, with commas; "none" where it is empty. */
static void join(const json_t *list, char ret_text[TEXT_MAX])
{
	const json_t *item;
	size_t index;
	size_t at = 0;

	snprintf(ret_text, TEXT_MAX, "none");
	json_array_foreach(list, index, item) {
		const char *text = json_is_string(item) ? json_string_value(item) : "-";
		int len = snprintf(ret_text + at, TEXT_MAX - at, "%s%s", index > 0 ? ", " : "", text);

		if (len < 0 || (size_t)len >= TEXT_MAX - at)
			return;
		at += (size_t)len;
	}
}

static void show_protections(const json_t *node)
{
	const json_t *missing = json_object_get(node, "missing");
	char names[TEXT_MAX];

	if (json_array_size(missing) == 0) {
		line("protections", "%" JSON_INTEGER_FORMAT " promised, all kept",
		     number(node, "promises"));
		return;
	}
	join(missing, names);
	line("protections", "%zu of %" JSON_INTEGER_FORMAT " missing, it starts no kernels: %s",
	     json_array_size(missing), number(node, "promises"), names);
}

static void show_load(const json_t *node)
{
	const json_t *pressure = json_object_get(node, "pressure");
	const json_int_t up = number(node, "uptime_ms") / 1000;

	line("up", "%d d %02d:%02d:%02d", (int)(up / 86400), (int)(up / 3600 % 24),
	     (int)(up / 60 % 60), (int)(up % 60));
	line("load", "%.2f; of the last 10 s something waited for CPU %.2f %%, memory %.2f %%, "
	     "disk %.2f %%",
	     json_number_value(json_object_get(node, "load")),
	     json_number_value(json_object_get(pressure, "cpu")),
	     json_number_value(json_object_get(pressure, "memory")),
	     json_number_value(json_object_get(pressure, "io")));
}

/* When each step was reached, in seconds since the kernel began. */
static void show_boot(const json_t *node)
{
	const json_t *step;
	size_t index;

	line("boot", "%s", cli_text(node, "boot_id"));
	json_array_foreach(json_object_get(node, "timeline"), index, step)
		line("", "%8.3f s %s", (double)number(step, "ms") / 1000, cli_text(step, "name"));
	line("", "%8.3f s link", (double)number(node, "entry_to_link_ms") / 1000);
}

static void show(const json_t *node)
{
	char names[TEXT_MAX];

	line("name", "%s", cli_text(node, "name"));
	line("state", "%s%s", cli_text(node, "state"),
	     json_is_true(json_object_get(node, "cut")) ? ", its kernels' network is cut" : "");
	line("last seen", "%s", cli_text(node, "last_seen"));
	/* One that was not seen by this gateway has said nothing of itself. */
	if (!json_is_string(json_object_get(node, "last_seen")))
		return;
	line("version", "%s, kernel %s", cli_text(node, "version"), cli_text(node, "build_id"));
	line("capacity",
	     "%" JSON_INTEGER_FORMAT " CPUs, %" JSON_INTEGER_FORMAT " MiB (%" JSON_INTEGER_FORMAT
	     " available), %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " kernels",
	     number(node, "cpus"), number(node, "memory_mib"), number(node, "memory_available_mib"),
	     number(node, "kernels"), number(node, "kernels_max"));
	show_load(node);
	show_protections(node);
	join(json_object_get(node, "environments"), names);
	line("environments", "%s", names);
	show_boot(node);
}

int verb_node_show(struct cli *cli, int argc, char **argv)
{
	char path[160];
	json_t *node;
	int code;

	if (argc != 1 || !cli_is_segment(argv[0]))
		return cli_fail(CLI_USAGE, "node show: expected one node's name");
	snprintf(path, sizeof(path), "/api/anchorhold/nodes/%s", argv[0]);
	node = cli_call(cli, "GET", path, NULL, want_ok, &code);
	if (node == NULL)
		return code;
	if (cli->json)
		cli_members(cli, node);
	else
		show(node);
	json_decref(node);
	return CLI_OK;
}
