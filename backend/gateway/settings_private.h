/* SPDX-License-Identifier: Apache-2.0 */
/* What settings.c (the table and what it means) and setting.c (one of them) share. */
#ifndef ANCHORHOLD_GATEWAY_SETTINGS_PRIVATE_H
#define ANCHORHOLD_GATEWAY_SETTINGS_PRIVATE_H

#include <stdbool.h>

#include "backend/gateway/settings.h"

enum setting_kind {
	SETTING_NUMBER,	   /* of .size bytes, 0..max */
	SETTING_CHOICE,	   /* one of .choices, each more than the one before; uint8_t */
	SETTING_FLAG,	   /* uint8_t */
	SETTING_RULES,	   /* of struct link_egress */
	SETTING_RESOLVERS, /* of struct link_egress */
};

enum setting_rule {
	SETTING_LESS,	  /* a kernel may ask for less than its project has */
	SETTING_MORE,	  /* ... for more: it protects */
	SETTING_PROJECTS, /* ... for nothing else */
};

struct setting {
	const char *name;
	enum setting_kind kind;
	enum setting_rule rule;
	size_t offset; /* into struct link_start */
	size_t size;
	uint64_t max;
	uint64_t standard; /* what a number of 0 means; 0: not known here */
	const char *const *choices; /* NULL behind the last */
	bool network; /* part of the network policy */
};

/* -EINVAL with a sentence in error. */
int setting_read(const struct setting *setting, const json_t *value, struct link_start *start,
		 char *error);
json_t *setting_json(const struct setting *setting, const struct link_start *start);

/* Of numbers, choices and flags; 0 of others. */
uint64_t setting_get(const struct setting *setting, const struct link_start *start);
void setting_copy(const struct setting *setting, struct link_start *to,
		  const struct link_start *from);

#endif
