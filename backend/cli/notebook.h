/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what is to be executed of a notebook (nbformat 4: the code cells' sources).
 */
#ifndef ANCHORHOLD_CLI_NOTEBOOK_H
#define ANCHORHOLD_CLI_NOTEBOOK_H

#include <jansson.h>
#include <stddef.h>

#define NOTEBOOK_BYTES_MAX (64u * 1024u * 1024u)
#define NOTEBOOK_ERROR_MAX 256u

/*
 * An array of strings, one a code cell, in order (the caller's), or NULL with the reason in
 * ret_error: no such file, no JSON (line and column), no notebook of format 4.
 */
json_t *notebook_sources(const char *path, char ret_error[NOTEBOOK_ERROR_MAX]);

/* The same from the notebook's text; for tests. */
json_t *notebook_parse(const char *text, size_t len, char ret_error[NOTEBOOK_ERROR_MAX]);

#endif
