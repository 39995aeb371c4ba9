/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words KEY=VALUE of a command line as a JSON object. Digits become a number, true and false
 * (yes and no) a boolean; egress and resolvers, which may be repeated, a list that an empty
 * value leaves empty; all else a string. What a key may hold is for the gateway to judge.
 */
#ifndef ANCHORHOLD_CLI_WORDS_H
#define ANCHORHOLD_CLI_WORDS_H

#include <jansson.h>

#define WORDS_ERROR_MAX 256u

/* The object (the caller's), or NULL with a sentence that names the word. */
json_t *words_object(int count, const char *const *words, char ret_error[WORDS_ERROR_MAX]);

#endif
