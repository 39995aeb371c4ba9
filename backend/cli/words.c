/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/cli/words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 64u
#define DIGITS_MAX 18u /* any number of so many fits a JSON integer */

static bool is_list(const char *key)
{
	return strcmp(key, "egress") == 0 || strcmp(key, "resolvers") == 0;
}

static json_t *value_of(const char *text)
{
	const size_t len = strlen(text);

	if (strcmp(text, "true") == 0 || strcmp(text, "yes") == 0)
		return json_true();
	if (strcmp(text, "false") == 0 || strcmp(text, "no") == 0)
		return json_false();
	if (len > 0 && len <= DIGITS_MAX && strspn(text, "0123456789") == len)
		return json_integer(strtoll(text, NULL, 10));
	return json_string(text);
}

static int list_add(json_t *object, const char *key, const char *text)
{
	json_t *list = json_object_get(object, key);

	if (list == NULL) {
		list = json_array();
		if (json_object_set_new(object, key, list) != 0)
			return -1;
	}
	return text[0] == '\0' ? 0 : json_array_append_new(list, json_string(text));
}

static int word_add(json_t *object, const char *word, char *error)
{
	const char *equals = strchr(word, '=');
	char key[KEY_MAX];
	int rc;

	if (equals == NULL || equals == word || (size_t)(equals - word) >= sizeof(key)) {
		snprintf(error, WORDS_ERROR_MAX, "'%.100s': expected KEY=VALUE", word);
		return -1;
	}
	memcpy(key, word, (size_t)(equals - word));
	key[equals - word] = '\0';
	if (!is_list(key) && json_object_get(object, key) != NULL) {
		snprintf(error, WORDS_ERROR_MAX, "'%.100s': %s was given twice", word, key);
		return -1;
	}
	rc = is_list(key) ? list_add(object, key, equals + 1)
			  : json_object_set_new(object, key, value_of(equals + 1));
	if (rc != 0)
		snprintf(error, WORDS_ERROR_MAX, "'%.100s': expected UTF-8 text", word);
	return rc;
}

json_t *words_object(int count, const char *const *words, char ret_error[WORDS_ERROR_MAX])
{
	json_t *object = json_object();

	for (int i = 0; i < count; i++)
		if (word_add(object, words[i], ret_error) != 0) {
			json_decref(object);
			return NULL;
		}
	return object;
}
