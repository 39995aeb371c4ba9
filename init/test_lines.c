/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of the image and of sysfs: lines, sysctls, promises, uevents. */
#include <errno.h>
#include <string.h>

#include "conf/test.h"
#include "init/files.h"
#include "init/lastwords.h"
#include "init/partition.h"
#include "init/promises.h"
#include "init/sysctl.h"

static void test_next(void)
{
	static const char text[] = "\n# c\n  a b \t\n\tc\n\n d";
	const char *rest = text;
	size_t len = sizeof(text) - 1;
	char line[LINE_MAX_LEN], longest[LINE_MAX_LEN + 1];
	unsigned number = 0;

	CHECK(line_next(&rest, &len, &number, line) == 1 && strcmp(line, "a b") == 0 && number == 3);
	CHECK(line_next(&rest, &len, &number, line) == 1 && strcmp(line, "c") == 0 && number == 4);
	CHECK(line_next(&rest, &len, &number, line) == 1 && strcmp(line, "d") == 0 && number == 6);
	CHECK(line_next(&rest, &len, &number, line) == 0 && len == 0);

	rest = "a\x01\nb", len = 4;
	CHECK(line_next(&rest, &len, &number, line) == -EINVAL);
	CHECK(line_next(&rest, &len, &number, line) == 1 && strcmp(line, "b") == 0);
	rest = "a\0b", len = 3;
	CHECK(line_next(&rest, &len, &number, line) == -EINVAL);
	memset(longest, 'x', sizeof(longest));
	rest = longest, len = LINE_MAX_LEN;
	CHECK(line_next(&rest, &len, &number, line) == -EINVAL && len == 0);
	rest = longest, len = LINE_MAX_LEN - 1;
	CHECK(line_next(&rest, &len, &number, line) == 1);
}

static void test_words(void)
{
	char line[] = "  a\tbc   d ", none[] = " \t ", *words[3];

	CHECK(line_words(line, words, 3) == 3 && strcmp(words[1], "bc") == 0);
	CHECK(line_words(none, words, 3) == 0);
	strcpy(line, "a b c d");
	CHECK(line_words(line, words, 3) == 4);
}

static void test_sysctl(void)
{
	static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "../a", "a/b", "A", "a b"};
	char path[SYSCTL_PATH_MAX], longest[SYSCTL_PATH_MAX], *name, *value;
	char line[] = "net.ipv4.ip_forward \t= 1 2 ", none[] = "a =", word[] = "a", first[] = " = b";

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_ROW(sysctl_path(bad[i], path) == -EINVAL, bad[i]);
	CHECK(sysctl_path("kernel.yama.ptrace_scope", path) == 0);
	CHECK(strcmp(path, "/proc/sys/kernel/yama/ptrace_scope") == 0);
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	CHECK(sysctl_path(longest, path) == -EINVAL);
	CHECK(sysctl_split(line, &name, &value) == 0);
	CHECK(strcmp(name, "net.ipv4.ip_forward") == 0 && strcmp(value, "1 2 ") == 0);
	CHECK(sysctl_split(none, &name, &value) == -EINVAL);
	CHECK(sysctl_split(word, &name, &value) == -EINVAL);
	CHECK(sysctl_split(first, &name, &value) == -EINVAL);
}

static void test_promise(void)
{
	static const char *const bad[] = {"",	"a", "# a b",	 "a # b c", "A sysctl x 1",
					  "-a absent /x", "a b 1 2 3 4 5 6 7 8 9"};
	struct promise p;

	CHECK(promise_parse("smt  file /sys/x [y] # no # two", &p) == 0);
	CHECK(strcmp(p.name, "smt") == 0 && strcmp(p.probe, "file") == 0 && p.args_len == 2);
	CHECK(strcmp(p.args[0], "/sys/x") == 0 && strcmp(p.args[1], "[y]") == 0);
	CHECK(promise_parse("root-verity rootverity", &p) == 0 && p.args_len == 0);
	CHECK(promise_parse("a b 1 2 3 4 5 6 7 8", &p) == 0 && p.args_len == 8);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_ROW(promise_parse(bad[i], &p) == -EINVAL, bad[i]);
}

static int parse(const char *text, struct partition *ret_partition)
{
	return partition_parse(text, strlen(text), ret_partition);
}

static void test_uevent(void)
{
	struct partition p;

	CHECK(parse("MAJOR=254\nMINOR=4\nDEVNAME=vda4\nDEVTYPE=partition\nDISKSEQ=1\nPARTN=4\n"
		    "PARTUUID=0-1\nPARTNAME=work\n", &p) == 0);
	CHECK(strcmp(p.device, "vda4") == 0 && strcmp(p.name, "work") == 0 && p.number == 4);
	CHECK(parse("DEVNAME=vda\nDEVTYPE=disk\n", &p) == -ENOENT);
	CHECK(parse("DEVNAME=vda4\nPARTN=4\n", &p) == -ENOENT);
	CHECK(parse("DEVNAME=vda4\nPARTN=4\nPARTNAME=Basic data partition\n", &p) == -ENOENT);
	CHECK(parse("DEVNAME=../x\nPARTN=4\nPARTNAME=work\n", &p) == -EINVAL);
	CHECK(parse("DEVNAME=vda4\nPARTN=0\nPARTNAME=work\n", &p) == -EINVAL);
	CHECK(parse("DEVNAME=vda4\nPARTN=256\nPARTNAME=work\n", &p) == -EINVAL);
	CHECK(parse("DEVNAME\n", &p) == -EINVAL);
	CHECK(parse("", &p) == -ENOENT);
}

static void test_tail(void)
{
	static const char text[] = "one\ntwo\nthree\n";

	CHECK(strcmp(lastwords_tail(text, 14, 1), "three\n") == 0);
	CHECK(strcmp(lastwords_tail(text, 14, 2), "two\nthree\n") == 0);
	CHECK(lastwords_tail(text, 14, 3) == text && lastwords_tail(text, 14, 9) == text);
	CHECK(lastwords_tail(text, 13, 1) == text + 8);
	CHECK(lastwords_tail(text, 0, 1) == text && lastwords_tail(text, 1, 1) == text);
}

static void test_room(void)
{
	CHECK(partition_room(0, 0) == 0 && partition_room(2047, 0) == 0);
	CHECK(partition_room(10240, 2048) == (10240 - 2048 - 2048) * 512);
	CHECK(partition_room(10241, 2048) == (10240 - 2048 - 2048) * 512);
	CHECK(partition_room(10240, 8192) == 0 && partition_room(10240, 9000) == 0);
}

int main(void)
{
	test_next();
	test_words();
	test_sysctl();
	test_promise();
	test_uevent();
	test_room();
	test_tail();
	return TEST_RESULT();
}
