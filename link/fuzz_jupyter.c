/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames as a hostile kernel would send them: the input is cut into frames at each byte 0xfe,
 * which UTF-8 never holds. What parses verifies with its own signature and with no other.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "link/jupyter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES_MAX (JUPYTER_FRAMES_MAX + 4u)

static void require(bool ok)
{
	if (!ok)
		abort();
}

static size_t frames_cut(const uint8_t *data, size_t size, struct link_slice frames[FRAMES_MAX])
{
	size_t count = 0, start = 0;

	for (size_t i = 0; i < size && count < FRAMES_MAX; i++) {
		if (data[i] != 0xfe)
			continue;
		frames[count++] = (struct link_slice){data + start, i - start};
		start = i + 1;
	}
	if (count < FRAMES_MAX)
		frames[count++] = (struct link_slice){data + start, size - start};
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct jupyter_key key = {
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"};
	struct link_slice frames[FRAMES_MAX];
	struct jupyter_message message;
	struct link_header header;
	char signature[JUPYTER_SIGNATURE_LEN + 1];
	size_t count = frames_cut(data, size, frames);

	if (jupyter_parse(frames, count, &message) != 0)
		return 0;
	require(message.idents_count + 2u + message.parts.count == count);
	require(link_parts_size(&message.parts) > 0);
	jupyter_verify(&key, &message);
	link_parts_check(&message.parts);
	link_header_get(message.parts.part[LINK_HEADER], &header);
	link_header_get(message.parts.part[LINK_PARENT], &header);
	require(jupyter_sign(&key, &message.parts, signature) == 0);
	message.signature.data = (const uint8_t *)signature;
	require(jupyter_verify(&key, &message) == 0);
	signature[0] = signature[0] == '0' ? '1' : '0';
	require(jupyter_verify(&key, &message) != 0);
	return 0;
}
