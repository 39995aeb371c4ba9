/* SPDX-License-Identifier: Apache-2.0 */
/* Probes against this machine's kernel: both answers of each, where any kernel gives both. */
#include <errno.h>
#include <string.h>

#include "conf/test.h"
#include "init/files.h"
#include "init/probes.h"

static int run(const char *text, char why[PROBE_WHY_MAX])
{
	char line[LINE_MAX_LEN], *words[PROBE_WORDS_MAX + 1];
	size_t count;

	snprintf(line, sizeof(line), "%s", text);
	count = line_words(line, words, PROBE_WORDS_MAX + 1);
	*why = '\0';
	return probe_run(words[0], words + 1, count - 1, why);
}

static void test_answers(void)
{
	static const struct {
		const char *probe;
		int answer;
	} rows[] = {
		{"absent /proc/nonexistent", 0},
		{"absent /proc/self", -EPERM},
		{"absent /proc/self/status/x", -ENOTDIR},
		{"file /proc/self/status Name:", 0},
		{"file /proc/self/status Nothing", -EPERM},
		{"file /proc/nonexistent x", -ENOENT},
		{"sysctl kernel.ostype Linux", 0},
		{"sysctl kernel.ostype Minix", -EPERM},
		{"sysctl kernel.ostype Linux 1", -EPERM},
		{"sysctl kernel.nonexistent 1", -ENOENT},
		{"sysctl ../../etc/passwd 1", -EINVAL},
		{"sysctl kernel.ostype", -EINVAL},
		{"enosys swapon", -EPERM},
		{"enosys nonexistent", -EINVAL},
		{"socket AF_NONE EPERM", -EINVAL},
		{"landlock 0", -EINVAL},
		{"cmdline this-word-is-not-there", -EPERM},
		{"controllers nonexistent", -EPERM},
		{"rootverity x", -EINVAL},
		{"kernel /proc/self/status", -EPERM},
		{"nonexistent x", -EINVAL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char why[PROBE_WHY_MAX];
		int answer = run(rows[i].probe, why);

		/* A container's own files may be missing altogether. */
		CHECK_ROW(answer == rows[i].answer || (answer == -ENOENT && rows[i].answer), why);
		CHECK_ROW((answer == 0) == (why[0] == '\0'), rows[i].probe);
	}
}

static void test_build_id(void)
{
	static const char notes[] = "\4\0\0\0\1\0\0\0\7\0\0\0Xen\0x\0\0\0"
				    "\4\0\0\0\3\0\0\0\3\0\0\0GNU\0\x01\xab\xff";
	char hex[7], small[6];

	CHECK(probe_build_id(notes, sizeof(notes), hex, sizeof(hex)) == 0);
	CHECK(strcmp(hex, "01abff") == 0);
	CHECK(probe_build_id(notes, sizeof(notes), small, sizeof(small)) == -ENOENT);
	CHECK(probe_build_id(notes, sizeof(notes) - 1, hex, sizeof(hex)) == -ENOENT);
	CHECK(probe_build_id(notes, 20, hex, sizeof(hex)) == -ENOENT);
	CHECK(probe_build_id("\xff\xff\xff\xff\xff\xff\xff\xff\3\0\0\0", 12, hex, 7) == -ENOENT);
	CHECK(probe_build_id(notes, 0, hex, sizeof(hex)) == -ENOENT);
}

int main(void)
{
	test_answers();
	test_build_id();
	return TEST_RESULT();
}
