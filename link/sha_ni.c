/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As FIPS 180-4 has it, four rounds at a time. The instructions want the state's words as ABEF and
 * CDGH; of the schedule only the last sixteen words are ever needed.
 */
#include "link/sha_ni.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#define LEAF_FEATURES 1u
#define LEAF_MORE_FEATURES 7u
#define HAS_SHA (1u << 29) /* LEAF_MORE_FEATURES, ebx */

static const uint32_t constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static bool ask(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(LEAF_FEATURES, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1))
		return false;
	return __get_cpuid_count(LEAF_MORE_FEATURES, 0, &a, &b, &c, &d) && (b & HAS_SHA);
}

bool sha_ni_there(void)
{
	/* What the machine is, and no state: whoever asks first, the answer is the same. */
	static _Atomic int known; /* 0: not asked */

	if (known == 0)
		known = ask() ? 1 : -1;
	return known > 0;
}

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))

/* Words of the schedule from the sixteen before them, the oldest four first. */
SHA_TARGET static inline __m128i schedule(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
	const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));

	return _mm_sha256msg2_epu32(sum, w3);
}

SHA_TARGET static inline void block(__m128i *abef, __m128i *cdgh, const uint8_t *data)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i w[4], old_abef = *abef, old_cdgh = *cdgh;

#pragma GCC unroll 16
	for (int i = 0; i < 16; i++) {
		__m128i sum;

		w[i & 3] = i < 4 ? _mm_shuffle_epi8(
					   _mm_loadu_si128((const __m128i *)(data + 16 * i)), swap)
				 : schedule(w[i & 3], w[(i + 1) & 3], w[(i + 2) & 3], w[(i + 3) & 3]);
		sum = _mm_add_epi32(w[i & 3],
				    _mm_loadu_si128((const __m128i *)(constants + 4 * i)));
		*cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, sum);
		*abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32(sum, 0x0e));
	}
	*abef = _mm_add_epi32(*abef, old_abef);
	*cdgh = _mm_add_epi32(*cdgh, old_cdgh);
}

SHA_TARGET void sha_ni_blocks(uint32_t state[SHA_WORDS], const uint8_t *data, size_t blocks)
{
	__m128i dcba = _mm_loadu_si128((const __m128i *)state);
	__m128i hgfe = _mm_loadu_si128((const __m128i *)(state + 4));
	const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
	__m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
	__m128i feba, dchg;

	for (; blocks > 0; blocks--, data += SHA_BLOCK_LEN)
		block(&abef, &cdgh, data);
	feba = _mm_shuffle_epi32(abef, 0x1b);
	dchg = _mm_shuffle_epi32(cdgh, 0xb1);
	dcba = _mm_blend_epi16(feba, dchg, 0xf0);
	hgfe = _mm_alignr_epi8(dchg, feba, 8);
	_mm_storeu_si128((__m128i *)state, dcba);
	_mm_storeu_si128((__m128i *)(state + 4), hgfe);
}

#else

#include <stdlib.h>

bool sha_ni_there(void)
{
	return false;
}

void sha_ni_blocks(uint32_t state[SHA_WORDS], const uint8_t *data, size_t blocks)
{
	(void)state;
	(void)data;
	(void)blocks;
	abort();
}

#endif
