/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/gateway/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
	"usage: anchorhold-gateway --init --database FILE\n"
	"       anchorhold-gateway --add-token OWNER [--admin] --database FILE\n"
	"       anchorhold-gateway --next-key | --use-next-key --database FILE\n"
	"       anchorhold-gateway --database FILE [--http ADDRESS:PORT] [--link ADDRESS:PORT]\n"
	"                          [--base-url PATH] [--allow-origin ORIGIN] [--verbose]\n"
	"\n"
	"  --init            make the database and the link's key pair (FILE.key), print a token\n"
	"  --add-token OWNER print a new token for OWNER; with --admin it may manage nodes\n"
	"  --next-key        make the pair that the link will change to (FILE.key.next)\n"
	"  --use-next-key    take it: FILE.key becomes what FILE.key.next is\n"
	"  --database FILE   the SQLite database\n"
	"  --http            where Jupyter clients connect (127.0.0.1:8888)\n"
	"  --link            where nodes connect (0.0.0.0:5555)\n"
	"  --base-url PATH   serve everything below this path\n"
	"  --allow-origin    value of Access-Control-Allow-Origin (*)\n"
	"  --verbose         log each request\n";

const char *options_usage(void)
{
	return USAGE;
}

static int port_parse(const char *text, uint16_t *ret_port)
{
	unsigned long port;
	char *end;

	if (*text < '0' || *text > '9' || strlen(text) > 5)
		return -EINVAL;
	port = strtoul(text, &end, 10);
	if (*end != '\0' || port > 65535)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
}

int options_address_parse(const char *text, struct options_address *ret_address)
{
	const char *colon = strrchr(text, ':');
	unsigned char parsed[sizeof(struct in6_addr)];
	size_t len;

	if (colon == NULL || colon == text)
		return -EINVAL;
	len = (size_t)(colon - text);
	if (text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(ret_address->host))
		return -EINVAL;
	memcpy(ret_address->host, text, len);
	ret_address->host[len] = '\0';
	if (inet_pton(AF_INET, ret_address->host, parsed) != 1 &&
	    inet_pton(AF_INET6, ret_address->host, parsed) != 1)
		return -EINVAL;
	return port_parse(colon + 1, &ret_address->port);
}

static int base_url_parse(const char *text, char ret_base[256])
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == '/')
		len--;
	if (len >= 256 || (len > 0 && text[0] != '/') || strpbrk(text, "?#% ") != NULL)
		return -EINVAL;
	memcpy(ret_base, text, len);
	ret_base[len] = '\0';
	return 0;
}

enum {
	OPT_INIT = 256,
	OPT_ADD_TOKEN,
	OPT_ADMIN,
	OPT_NEXT_KEY,
	OPT_USE_NEXT_KEY,
	OPT_DATABASE,
	OPT_HTTP,
	OPT_LINK,
	OPT_BASE,
	OPT_ORIGIN,
	OPT_VERBOSE,
	OPT_HELP,
	OPT_VERSION
};

static const struct option LONG[] = {
	{"init", no_argument, NULL, OPT_INIT},
	{"add-token", required_argument, NULL, OPT_ADD_TOKEN},
	{"admin", no_argument, NULL, OPT_ADMIN},
	{"next-key", no_argument, NULL, OPT_NEXT_KEY},
	{"use-next-key", no_argument, NULL, OPT_USE_NEXT_KEY},
	{"database", required_argument, NULL, OPT_DATABASE},
	{"http", required_argument, NULL, OPT_HTTP},
	{"link", required_argument, NULL, OPT_LINK},
	{"base-url", required_argument, NULL, OPT_BASE},
	{"allow-origin", required_argument, NULL, OPT_ORIGIN},
	{"verbose", no_argument, NULL, OPT_VERBOSE},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static int one(int option, const char *value, struct options *options)
{
	switch (option) {
	case OPT_INIT:
		options->task = OPTIONS_INIT;
		return 0;
	case OPT_ADD_TOKEN:
		options->task = OPTIONS_ADD_TOKEN;
		options->owner = value;
		return 0;
	case OPT_NEXT_KEY:
		options->task = OPTIONS_NEXT_KEY;
		return 0;
	case OPT_USE_NEXT_KEY:
		options->task = OPTIONS_USE_NEXT_KEY;
		return 0;
	case OPT_ADMIN:
		options->admin = true;
		return 0;
	case OPT_DATABASE:
		options->database = value;
		return 0;
	case OPT_HTTP:
		return options_address_parse(value, &options->http);
	case OPT_LINK:
		return options_address_parse(value, &options->link);
	case OPT_BASE:
		return base_url_parse(value, options->base_url);
	case OPT_ORIGIN:
		options->allow_origin = value;
		return strpbrk(value, "\r\n") == NULL ? 0 : -EINVAL;
	case OPT_VERBOSE:
		options->verbose = true;
		return 0;
	case OPT_HELP:
		options->task = OPTIONS_HELP;
		return 0;
	case OPT_VERSION:
		options->task = OPTIONS_VERSION;
		return 0;
	default:
		return -EINVAL;
	}
}

int options_parse(int argc, char **argv, struct options *ret_options, char *ret_error,
		  unsigned long error_size)
{
	struct options options = {
		.http = {"127.0.0.1", 8888}, .link = {"0.0.0.0", 5555}, .allow_origin = "*"};
	int option;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", LONG, NULL)) != -1) {
		if (option == '?') {
			snprintf(ret_error, error_size, "unknown or incomplete option '%s'",
				 argv[optind > 0 ? optind - 1 : 0]);
			return -EINVAL;
		}
		if (one(option, optarg, &options) < 0) {
			snprintf(ret_error, error_size, "%s: '%s' is not a valid value",
				 LONG[option - OPT_INIT].name, optarg);
			return -EINVAL;
		}
	}
	if (optind < argc) {
		snprintf(ret_error, error_size, "unexpected argument '%s'", argv[optind]);
		return -EINVAL;
	}
	if (options.task <= OPTIONS_ADD_TOKEN && options.database == NULL) {
		snprintf(ret_error, error_size, "--database FILE is missing");
		return -EINVAL;
	}
	*ret_options = options;
	return 0;
}
