/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "link/check.h"
#include "link/curve.h"

struct key_row {
	const char *name;
	const char *text;
	int want;
};

static const struct key_row key_rows[] = {
	{"zmq_curve(7) server public", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", -EKEYREJECTED},
	{"zmq_curve(7) server secret", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6", -EKEYREJECTED},
	{"zmq_curve(7) client public", "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", -EKEYREJECTED},
	{"zmq_curve(7) client secret", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs", -EKEYREJECTED},
	{"a fuzzer's", "{{k*81)yMWEF{/BxdMd[5RL^qRFxBgoL<8m.D^KD", -EKEYREJECTED},
	{"zeros", "0000000000000000000000000000000000000000", -EKEYREJECTED},
	{"all bits", "%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0", -EKEYREJECTED},
	{"over 32 bits in a group", "#####000000000000000000000000000000000001", -EBADMSG},
	{"39 characters", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf", -EBADMSG},
	{"41 characters", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf70", -EBADMSG},
	{"a space", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf ", -EBADMSG},
	{"a quote", "\"q:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", -EBADMSG},
	{"two newlines", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\n\n", -EBADMSG},
	{"empty", "", -EBADMSG},
};

static void test_rows(struct check *check)
{
	static const struct curve_key wiped;
	struct curve_key key;

	for (size_t i = 0; i < sizeof(key_rows) / sizeof(key_rows[0]); i++) {
		check_row(check, key_rows[i].name);
		memset(&key, 0xaa, sizeof(key));
		CHECK_EQ(check, curve_key_parse(key_rows[i].text, strlen(key_rows[i].text), &key),
			 key_rows[i].want);
		CHECK(check, memcmp(&key, &wiped, sizeof(key)) == 0);
	}
	check_row(check, NULL);
}

/* The fingerprint is the beginning of what `sha256sum` says of the 32 bytes. */
static void test_print(struct check *check)
{
	const struct curve_key key = {.bytes = "0123456789abcdef0123456789abcde"};
	char print[CURVE_PRINT_LEN + 1];

	curve_key_print(&key, print);
	CHECK_EQ(check, strlen(print), CURVE_PRINT_LEN);
	CHECK(check, strcmp(print, "6c00-08f0-6167-9e6c-0736-d183-9cb0-c380") == 0);
}

static void test_pairs(struct check *check)
{
	struct curve_pair pair, again, other;
	struct curve_key key;
	char text[CURVE_TEXT_LEN + 2];

	CHECK_EQ(check, curve_pair_make(&pair), 0);
	CHECK_EQ(check, curve_pair_make(&other), 0);
	CHECK(check, memcmp(&pair, &other, sizeof(pair)) != 0);
	CHECK_EQ(check, curve_pair_from_secret(&pair.secret_key, &again), 0);
	CHECK(check, memcmp(&pair, &again, sizeof(pair)) == 0);

	curve_key_format(&pair.public_key, text);
	CHECK_EQ(check, strlen(text), CURVE_TEXT_LEN);
	CHECK_EQ(check, curve_key_parse(text, CURVE_TEXT_LEN, &key), 0);
	CHECK(check, memcmp(&key, &pair.public_key, sizeof(key)) == 0);
	text[CURVE_TEXT_LEN] = '\n';
	CHECK_EQ(check, curve_key_parse(text, CURVE_TEXT_LEN + 1, &key), 0);

	memset(&key, 0x42, sizeof(key));
	CHECK_EQ(check, curve_pair_from_secret(&key, &again), -EKEYREJECTED);
	memset(&key, 0, sizeof(key));
	key.bytes[0] = 1;
	CHECK_EQ(check, curve_key_check(&key), -EKEYREJECTED); /* a point of small order */
	key.bytes[31] = 0x80;
	CHECK_EQ(check, curve_key_check(&key), -EKEYREJECTED); /* the same, with the ignored bit */
	curve_pair_wipe(&pair);
	CHECK(check, memcmp(&pair, &(struct curve_pair){0}, sizeof(pair)) == 0);
}

int main(void)
{
	struct check check = {0};

	test_rows(&check);
	test_pairs(&check);
	test_print(&check);
	return CHECK_DONE(&check);
}
