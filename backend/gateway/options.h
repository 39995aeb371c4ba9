/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of anchorhold-gateway. */
#ifndef ANCHORHOLD_GATEWAY_OPTIONS_H
#define ANCHORHOLD_GATEWAY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum options_task {
	OPTIONS_RUN,
	OPTIONS_INIT,	   /* make the database and the key pair */
	OPTIONS_ADD_TOKEN, /* print a new token */
	OPTIONS_NEXT_KEY,  /* make the link's next key pair */
	OPTIONS_USE_NEXT_KEY, /* and take it */
	OPTIONS_HELP,
	OPTIONS_VERSION,
};

struct options_address {
	char host[64]; /* an IPv4 or IPv6 address, without brackets */
	uint16_t port; /* 0: any free one */
};

struct options {
	enum options_task task;
	const char *database; /* points into argv, like all strings here */
	const char *owner;    /* OPTIONS_ADD_TOKEN: whose */
	bool admin;	      /* OPTIONS_ADD_TOKEN: may manage nodes */
	struct options_address http;
	struct options_address link;
	char base_url[256]; /* "" or "/a/b": begins with a slash, does not end with one */
	const char *allow_origin;
	bool verbose;
};

/*
 * Parses argv. 0, or -EINVAL with a sentence in ret_error that names the option and the value.
 */
int options_parse(int argc, char **argv, struct options *ret_options, char *ret_error,
		  unsigned long error_size);

/* "127.0.0.1:8888" or "[::1]:8888". 0 or -EINVAL. */
int options_address_parse(const char *text, struct options_address *ret_address);

const char *options_usage(void);

#endif
