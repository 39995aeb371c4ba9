/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "backend/cli/words.h"
#include "link/check.h"

static struct row {
	const char *words[5];
	const char *json;  /* NULL: refused */
	const char *error; /* a part of the sentence */
} rows[] = {
	{ { NULL }, "{}", NULL },
	{ { "memory_mib=512", "strict=true", "workspace=write" },
	  "{\"memory_mib\":512,\"strict\":true,\"workspace\":\"write\"}", NULL },
	{ { "strict=no", "workspace_exec=yes" }, "{\"strict\":false,\"workspace_exec\":true}", NULL },
	{ { "egress=10.0.0.0/8:tcp:443", "egress=10.0.0.1" },
	  "{\"egress\":[\"10.0.0.0/8:tcp:443\",\"10.0.0.1\"]}", NULL },
	{ { "egress=", "resolvers=10.0.0.53" }, "{\"egress\":[],\"resolvers\":[\"10.0.0.53\"]}", NULL },
	{ { "memory_mib=-1" }, "{\"memory_mib\":\"-1\"}", NULL },
	{ { "memory_mib=512M" }, "{\"memory_mib\":\"512M\"}", NULL },
	{ { "memory_mib=" }, "{\"memory_mib\":\"\"}", NULL },
	{ { "bytes_max=999999999999999999" }, "{\"bytes_max\":999999999999999999}", NULL },
	{ { "bytes_max=9999999999999999999" }, "{\"bytes_max\":\"9999999999999999999\"}", NULL },
	{ { "a=b=c" }, "{\"a\":\"b=c\"}", NULL },
	{ { "memory_mib" }, NULL, "'memory_mib': expected KEY=VALUE" },
	{ { "=512" }, NULL, "'=512': expected KEY=VALUE" },
	{ { "" }, NULL, "'': expected KEY=VALUE" },
	{ { "a=1", "a=2" }, NULL, "'a=2': a was given twice" },
	{ { "workspace=\xff" }, NULL, "UTF-8" },
	{ { "egress=\xff" }, NULL, "UTF-8" },
};

int main(void)
{
	struct check check = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char error[WORDS_ERROR_MAX] = "";
		json_t *want = rows[i].json != NULL ? json_loads(rows[i].json, 0, NULL) : NULL;
		json_t *got;
		int argc = 0;

		while (rows[i].words[argc] != NULL)
			argc++;
		got = words_object(argc, rows[i].words, error);
		check_row(&check, rows[i].json != NULL ? rows[i].json : rows[i].error);
		CHECK(&check, (got == NULL) == (want == NULL));
		CHECK(&check, got == NULL || json_equal(got, want));
		if (rows[i].error != NULL)
			CHECK(&check, strstr(error, rows[i].error) != NULL);
		json_decref(got);
		json_decref(want);
	}
	return CHECK_DONE(&check);
}
