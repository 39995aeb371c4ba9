/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sample of every frame, and of a REQUEST of each shape: for the unit tests, the seeds of
 * the fuzzers and the vectors another implementation is tested against. Not in the library.
 */
#ifndef ANCHORHOLD_LINK_SAMPLES_H
#define ANCHORHOLD_LINK_SAMPLES_H

#include "link/wire.h"

size_t sample_count(void);

/* Fills *ret_frame with sample number i < sample_count(). Its data pointers are to constants. */
void sample_frame(size_t i, struct link_frame *ret_frame);

/* A short name of it, as in "request-start". */
const char *sample_name(size_t i);

#endif
