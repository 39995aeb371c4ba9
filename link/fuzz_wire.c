/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes: refused, or a frame that packs to the same bytes again. The format has one encoding
 * a value, so a difference would mean that the two directions read it differently.
 */
#include <stdlib.h>
#include <string.h>

#include "link/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct link_frame frame;
	static uint8_t buf[LINK_FRAME_MAX];
	size_t len = 0;

	if (link_frame_unpack(data, size, &frame) != 0)
		return 0;
	if (link_frame_pack(&frame, buf, sizeof(buf), &len) != 0 || len != size ||
	    memcmp(buf, data, len) != 0 || link_frame_size(&frame) != len)
		abort();
	return 0;
}
