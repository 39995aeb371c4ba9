/* SPDX-License-Identifier: Apache-2.0 */
#include "init/promises.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/value.h"

#define RESULT_MAX 32768u
#define NAME_MAX_LEN 64u /* as the link's HELLO carries it */

struct results {
	char text[RESULT_MAX];
	size_t len;
	unsigned ok, missing;
};

int promise_parse(const char *line, struct promise *ret_promise)
{
	char *words[PROBE_WORDS_MAX + 2], name[NAME_MAX_LEN], *reason;
	struct promise *p = ret_promise;
	size_t count;

	if (snprintf(p->line, sizeof(p->line), "%s", line) >= (int)sizeof(p->line))
		return -EINVAL;
	reason = strstr(p->line, " # ");
	if (reason)
		*reason = '\0';
	count = line_words(p->line, words, PROBE_WORDS_MAX + 2);
	if (count < 2 || count > PROBE_WORDS_MAX + 2 || value_name(words[0], name, sizeof(name)))
		return -EINVAL;
	p->name = words[0];
	p->probe = words[1];
	p->args_len = count - 2;
	memcpy(p->args, words + 2, p->args_len * sizeof(*words));
	return 0;
}

static void note(struct log *log, struct results *r, const char *name, int code, const char *why)
{
	int n;

	if (code)
		log_line(log, LOG_ERROR, "promises: missing %s: %s", name, why);
	n = snprintf(r->text + r->len, sizeof(r->text) - r->len, "%s %s%s%s\n",
		     code ? "missing" : "ok", name, code ? " " : "", code ? why : "");
	if (n > 0 && (size_t)n < sizeof(r->text) - r->len)
		r->len += (size_t)n;
	else /* never tell less than is missing */
		r->len = (size_t)snprintf(r->text, sizeof(r->text), "missing promises too many\n");
	*(code ? &r->missing : &r->ok) += 1;
}

static void check_line(struct log *log, struct results *r, const char *line, unsigned number)
{
	char why[PROBE_WHY_MAX] = "";
	struct promise promise;
	int err;

	if (promise_parse(line, &promise)) {
		snprintf(why, sizeof(why), "line %u is not a promise", number);
		note(log, r, "promises", -EINVAL, why);
		return;
	}
	err = probe_run(promise.probe, promise.args, promise.args_len, why);
	note(log, r, promise.name, err, why);
}

static void check_file(struct log *log, struct results *r)
{
	char line[LINE_MAX_LEN], *text;
	const char *rest;
	unsigned number = 0;
	size_t len;
	int more, err = conf_read_file(PROMISES_PATH, 65536, &text, &len);

	if (err) {
		note(log, r, "promises", err, strerror(-err));
		return;
	}
	rest = text;
	while ((more = line_next(&rest, &len, &number, line)) != 0)
		check_line(log, r, more < 0 ? "" : line, number);
	free(text);
	if (r->ok + r->missing == 0)
		note(log, r, "promises", -EINVAL, "none are listed");
}

void promises_check(struct log *log)
{
	struct results *r = calloc(1, sizeof(*r));
	int err = r ? 0 : -ENOMEM;

	if (r) {
		check_file(log, r);
		check_line(log, r, "build-id kernel " PROMISES_BUILD_ID, 0);
		err = file_replace(PROMISES_RESULT, r->text);
		log_line(log, LOG_INFO, "promises: %u hold, %u missing", r->ok, r->missing);
	}
	if (err)
		log_line(log, LOG_ERROR, "promises: %s: %s", PROMISES_RESULT, strerror(-err));
	free(r);
}
