/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused of a gateway: when it is told, and that it is never more than one event at a time. */
#include "hostd/refused.h"

#include "link/check.h"

#define BEGIN_MS 1000u

static void test_first(struct check *check)
{
	struct refused refused = {0};

	CHECK(check, !refused_is_due(&refused, BEGIN_MS, UINT64_MAX));
	refused_add(&refused, 1, 77000);
	CHECK(check, refused_is_due(&refused, BEGIN_MS, 0));
	refused_told(&refused, BEGIN_MS, 9);
	CHECK(check, !refused_is_due(&refused, BEGIN_MS + REFUSED_AGAIN_MS, 9));
}

/* Both have to be: stored, and so long ago. */
static void test_again(struct check *check)
{
	struct refused refused = {0};

	refused_add(&refused, 1, 77000);
	refused_told(&refused, BEGIN_MS, 9);
	refused_add(&refused, 2, 78000);
	refused_add(&refused, UINT32_MAX, 79000);
	CHECK_EQ(check, refused.untold, 2 + (uint64_t)UINT32_MAX);
	CHECK_EQ(check, refused.first_ms, 78000);
	CHECK_EQ(check, refused.last_ms, 79000);
	CHECK(check, !refused_is_due(&refused, BEGIN_MS + 100u * REFUSED_AGAIN_MS, 8));
	CHECK(check, !refused_is_due(&refused, BEGIN_MS + REFUSED_AGAIN_MS - 1, 9));
	CHECK(check, refused_is_due(&refused, BEGIN_MS + REFUSED_AGAIN_MS, 9));
	refused_told(&refused, BEGIN_MS + REFUSED_AGAIN_MS, 12);
	CHECK_EQ(check, refused.untold, 0);
	refused_add(&refused, 1, 80000);
	CHECK_EQ(check, refused.first_ms, 80000);
	CHECK(check, !refused_is_due(&refused, BEGIN_MS + 2 * REFUSED_AGAIN_MS, 11));
	CHECK(check, refused_is_due(&refused, BEGIN_MS + 2 * REFUSED_AGAIN_MS, 12));
}

/* A day of it, a hundred times a second, with nobody there: one event. */
static void test_flood(struct check *check)
{
	struct refused refused = {0};
	unsigned told = 0;

	for (uint64_t now = BEGIN_MS; now < BEGIN_MS + 86400000u; now += 10) {
		refused_add(&refused, 1, now);
		if (refused_is_due(&refused, now, 0)) {
			refused_told(&refused, now, 1);
			told++;
		}
	}
	CHECK_EQ(check, told, 1);
}

int main(void)
{
	struct check check = {0};

	test_first(&check);
	test_again(&check);
	test_flood(&check);
	return CHECK_DONE(&check);
}
