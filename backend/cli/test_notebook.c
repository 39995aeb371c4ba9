/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "backend/cli/notebook.h"
#include "link/check.h"

static const struct row {
	const char *text;
	int cells; /* -1: refused */
	const char *first;
} rows[] = {
	{ "{\"nbformat\": 4, \"cells\": []}", 0, NULL },
	{ "{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"code\", \"source\": \"1\"}]}", 1, "1" },
	{ "{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"code\", \"source\": [\"a\\n\", \"b\"]}]}",
	  1, "a\nb" },
	{ "{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"markdown\", \"source\": \"x\"},"
	  " {\"cell_type\": \"code\", \"source\": []}]}", 1, "" },
	{ "", -1, NULL },
	{ "[]", -1, NULL },
	{ "{\"nbformat\": 3, \"cells\": []}", -1, NULL },
	{ "{\"nbformat\": 4}", -1, NULL },
	{ "{\"nbformat\": 4, \"cells\": {}}", -1, NULL },
	{ "{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"code\"}]}", -1, NULL },
	{ "{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"code\", \"source\": [1]}]}", -1, NULL },
	{ "{\"nbformat\": 4, \"cells\": [", -1, NULL },
};

int main(void)
{
	struct check check = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char error[NOTEBOOK_ERROR_MAX] = "";
		json_t *sources = notebook_parse(rows[i].text, strlen(rows[i].text), error);

		check_row(&check, rows[i].text);
		CHECK(&check, (sources == NULL) == (rows[i].cells < 0));
		CHECK(&check, (error[0] != '\0') == (rows[i].cells < 0));
		if (sources != NULL)
			CHECK(&check, (int)json_array_size(sources) == rows[i].cells);
		if (rows[i].first != NULL)
			CHECK(&check, strcmp(json_string_value(json_array_get(sources, 0)),
				     rows[i].first) == 0);
		json_decref(sources);
	}
	return CHECK_DONE(&check);
}
