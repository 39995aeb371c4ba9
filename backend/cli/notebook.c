/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/cli/notebook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A multi-line string of nbformat: one string, or a list of them to be joined. */
static json_t *joined(const json_t *source)
{
	size_t total = 0;
	size_t index;
	json_t *line;
	json_t *text;
	char *all;

	if (json_is_string(source))
		return json_copy((json_t *)source);
	if (!json_is_array(source))
		return NULL;
	json_array_foreach(source, index, line) {
		if (!json_is_string(line))
			return NULL;
		total += json_string_length(line);
	}
	all = malloc(total + 1);
	if (all == NULL)
		return NULL;
	total = 0;
	json_array_foreach(source, index, line) {
		memcpy(all + total, json_string_value(line), json_string_length(line));
		total += json_string_length(line);
	}
	text = json_stringn(all, total);
	free(all);
	return text;
}

static json_t *code_cells(const json_t *cells, char ret_error[NOTEBOOK_ERROR_MAX])
{
	json_t *sources = json_array();
	const json_t *cell;
	size_t index;

	json_array_foreach(cells, index, cell) {
		const char *type = json_string_value(json_object_get(cell, "cell_type"));
		json_t *text;

		if (type == NULL || strcmp(type, "code") != 0)
			continue;
		text = joined(json_object_get(cell, "source"));
		if (text == NULL) {
			snprintf(ret_error, NOTEBOOK_ERROR_MAX,
				 "cell %zu: expected 'source' to be a string or a list of strings",
				 index + 1);
			json_decref(sources);
			return NULL;
		}
		json_array_append_new(sources, text);
	}
	return sources;
}

json_t *notebook_parse(const char *text, size_t len, char ret_error[NOTEBOOK_ERROR_MAX])
{
	json_error_t error;
	json_t *sources = NULL;
	json_t *notebook = json_loadb(text, len, 0, &error);
	const json_t *cells = json_object_get(notebook, "cells");

	if (notebook == NULL)
		snprintf(ret_error, NOTEBOOK_ERROR_MAX, "line %d, column %d: %s", error.line,
			 error.column, error.text);
	else if (json_integer_value(json_object_get(notebook, "nbformat")) != 4)
		snprintf(ret_error, NOTEBOOK_ERROR_MAX, "expected a notebook with \"nbformat\": 4");
	else if (!json_is_array(cells))
		snprintf(ret_error, NOTEBOOK_ERROR_MAX, "expected a list named \"cells\"");
	else
		sources = code_cells(cells, ret_error);
	json_decref(notebook);
	return sources;
}

json_t *notebook_sources(const char *path, char ret_error[NOTEBOOK_ERROR_MAX])
{
	FILE *file = fopen(path, "re");
	json_t *sources = NULL;
	struct stat st;
	char *text;
	size_t len;

	if (file == NULL || fstat(fileno(file), &st) != 0) {
		snprintf(ret_error, NOTEBOOK_ERROR_MAX, "%s", strerror(errno));
		if (file != NULL)
			fclose(file);
		return NULL;
	}
	text = NULL;
	if (!S_ISREG(st.st_mode))
		snprintf(ret_error, NOTEBOOK_ERROR_MAX, "expected a regular file");
	else if (st.st_size > (off_t)NOTEBOOK_BYTES_MAX)
		snprintf(ret_error, NOTEBOOK_ERROR_MAX, "is over %u bytes", NOTEBOOK_BYTES_MAX);
	else if ((text = malloc((size_t)st.st_size + 1)) == NULL)
		snprintf(ret_error, NOTEBOOK_ERROR_MAX, "out of memory");
	if (text != NULL) {
		len = fread(text, 1, (size_t)st.st_size, file);
		sources = notebook_parse(text, len, ret_error);
	}
	free(text);
	fclose(file);
	return sources;
}
