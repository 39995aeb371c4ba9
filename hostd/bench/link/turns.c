/* SPDX-License-Identifier: Apache-2.0 */
/* turns HOST:PORT KERNEL CONNECTION CODE NUMBER: "-" for CONNECTION leaves the direct way out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostd/bench/bench.h"
#include "hostd/bench/link/bench_link.h"
#include "hostd/log.h"

#define WARM 50u
#define JOIN_US 500000 /* until the direct SUB's subscription has arrived */

static int turn(struct ws *ws, struct direct *direct, const char *code, struct samples *through,
		struct samples *alone)
{
	uint64_t ns;
	int r = ws_execute(ws, code, &ns);

	if (r < 0)
		return r;
	if (through)
		samples_add(through, (double)ns / 1e6);
	if (!direct)
		return 0;
	r = direct_execute(direct, code, &ns);
	if (r == 0 && alone)
		samples_add(alone, (double)ns / 1e6);
	return r;
}

int bench_turns(int argc, char **argv)
{
	struct samples through = {.name = "through", .unit = "ms"};
	struct samples alone = {.name = "direct", .unit = "ms"};
	struct direct *direct = NULL;
	struct ws *ws = NULL;
	unsigned number;
	int r;

	if (argc != 6)
		return 2;
	number = (unsigned)strtoul(argv[5], NULL, 10);
	r = ws_open(argv[1], argv[2], &ws);
	if (r == 0 && strcmp(argv[3], "-") != 0) {
		r = direct_open(argv[3], &direct);
		usleep(JOIN_US);
	}
	for (unsigned i = 0; i < WARM && r == 0; i++)
		r = turn(ws, direct, argv[4], NULL, NULL);
	for (unsigned i = 0; i < number && r == 0; i++)
		r = turn(ws, direct, argv[4], &through, &alone);
	if (r < 0)
		log_error(r, "turn %zu", through.count);
	figure_percentiles(&through);
	if (direct) {
		figure_percentiles(&alone);
		figure("added.p50", samples_percentile(&through, 50) - samples_percentile(&alone, 50),
		       "ms");
	}
	samples_free(&through);
	samples_free(&alone);
	direct_free(direct);
	ws_free(ws);
	return r < 0 ? 1 : 0;
}
