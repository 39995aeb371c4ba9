/* SPDX-License-Identifier: Apache-2.0 */
/* The log's pipe, its ceiling and its second file, on a /run of our own. */
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/test.h"
#include "init/files.h"
#include "init/log.h"

static bool contains(const char *path, const char *wanted)
{
	char *text;
	size_t len;
	bool found;

	if (conf_read_file(path, 2 * LOG_FILE_MAX, &text, &len))
		return false;
	found = strstr(text, wanted) != NULL;
	free(text);
	return found;
}

static void say(struct log *log, const char *text)
{
	CHECK(write(log->pipe[1], text, strlen(text)) == (ssize_t)strlen(text));
	log_drain(log);
}

static void test_pipe(struct log *log)
{
	char longest[2 * LOG_LINE_MAX];

	say(log, "hostd[link]: one\nhostd[li");
	CHECK(contains(LOG_PATH, " hostd[link]: one\n") && !contains(LOG_PATH, "hostd[li\n"));
	say(log, "nk]: \x1b[2J\ttwo\n");
	CHECK(contains(LOG_PATH, " hostd[link]: ?[2J two\n"));
	memset(longest, 'x', sizeof(longest));
	memcpy(longest + sizeof(longest) - 3, "y\n", 3);
	say(log, longest);
	CHECK(contains(LOG_PATH, "xxx\n") && !contains(LOG_PATH, "y"));
	say(log, "cut off");
	log_flush(log);
	CHECK(contains(LOG_PATH, " cut off\n"));
	log_line(log, LOG_WARNING, "%s %d", "a word and", 7);
	CHECK(contains(LOG_PATH, " init: a word and 7\n"));
}

static void test_ceiling(struct log *log)
{
	struct stat st;

	for (unsigned i = 0; i < 3 * LOG_FILE_MAX / 100; i++)
		log_line(log, LOG_INFO, "line %06u %060u", i, 0);
	log_line(log, LOG_INFO, "the last");
	CHECK(stat(LOG_PATH, &st) == 0 && st.st_size <= (off_t)LOG_FILE_MAX);
	CHECK(stat(LOG_PATH_OLD, &st) == 0 && st.st_size <= (off_t)LOG_FILE_MAX);
	CHECK(st.st_size > (off_t)LOG_FILE_MAX - 1024);
	CHECK(contains(LOG_PATH, "the last\n"));
}

static void test_files(void)
{
	CHECK(file_replace("/run/a", "one\n") == 0 && file_replace("/run/a", "two\n") == 0);
	CHECK(contains("/run/a", "two") && !contains("/run/a", "one"));
	CHECK(access("/run/a.new", F_OK) < 0);
	CHECK(file_append("/run/a", "three\n") == 0 && contains("/run/a", "two\nthree\n"));
	CHECK(file_set("/run/b", "x") == -ENOENT && file_replace("/run/c/d", "x") == -ENOENT);
	log_reached("here");
	CHECK(contains("/run/anchorhold/timeline", "here "));
}

int main(void)
{
	struct log log = {.kmsg = -1, .console = -1, .file = -1, .pipe = {-1, -1}};

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("test", "/run", "tmpfs", 0, "size=4m")) {
		fprintf(stderr, "skipped: no mount namespace of our own: %s\n", strerror(errno));
		return TEST_SKIP;
	}
	CHECK(mkdir("/run/anchorhold", 0755) == 0);
	log_open(&log);
	if (log.kmsg >= 0)
		close(log.kmsg);
	if (log.console >= 0)
		close(log.console);
	log.kmsg = log.console = dup(log.pipe[0]); /* cannot be written: this machine's stay clean */
	test_pipe(&log);
	test_files();
	test_ceiling(&log);
	return TEST_RESULT();
}
