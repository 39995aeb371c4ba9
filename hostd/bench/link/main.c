/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "hostd/bench/link/bench_link.h"
#include "hostd/log.h"

static const struct {
	const char *name, *arguments;
	int (*run)(int argc, char **argv);
} words[] = {
	{"turns", "HOST:PORT KERNEL CONNECTION|- CODE NUMBER", bench_turns},
	{"flood", "HOST:PORT KERNEL CODE STALL_S", bench_flood},
	{"pair", "BYTES NUMBER", bench_pair},
	{"fleet", "HOST:PORT GATEWAY_KEY KEYS", bench_fleet},
};

int main(int argc, char **argv)
{
	log_open("bench-link");
	(void)signal(SIGPIPE, SIG_IGN);
	if (sodium_init() < 0)
		return 1;
	for (size_t i = 0; argc > 1 && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(argv[1], words[i].name) == 0) {
			int code = words[i].run(argc - 1, argv + 1);

			if (code == 2)
				fprintf(stderr, "usage: bench-link %s %s\n", words[i].name,
					words[i].arguments);
			return code;
		}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		fprintf(stderr, "usage: bench-link %s %s\n", words[i].name, words[i].arguments);
	return 2;
}
