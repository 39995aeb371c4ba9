/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ANCHORHOLD_HOSTD_BENCH_SPAWN_H
#define ANCHORHOLD_HOSTD_BENCH_SPAWN_H

#include "hostd/bench/bench.h"

/* Each prints its figures; negative where something failed (said on standard error). */
int bench_turns(struct ours *ours, unsigned times);
int bench_steps(struct ours *ours, unsigned times); /* wants a trace */
int bench_rate(struct ours *ours, unsigned seconds);
int bench_cpu(struct ours *ours, unsigned times);
int bench_memory(struct ours *ours, unsigned most);   /* 1, 100 and 500 cells, up to most */
int bench_ahead(struct ours *ours, unsigned times);   /* that many wait for their requests */
int bench_leaks(struct ours *ours, unsigned times);
int bench_compare(struct ours *ours, unsigned rounds);

#endif
