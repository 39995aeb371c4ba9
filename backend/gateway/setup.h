/* SPDX-License-Identifier: Apache-2.0 */
/* What is done before there is a gateway: its database, its key pair, its tokens. */
#ifndef ANCHORHOLD_GATEWAY_SETUP_H
#define ANCHORHOLD_GATEWAY_SETUP_H

#include <stddef.h>

#include "backend/gateway/options.h"
#include "backend/gateway/store.h"
#include "link/curve.h"

/* --init and --add-token: the process' exit code; both print `token: T` on success. */
int setup_init(const struct options *options);
int setup_add_token(const struct options *options, struct store *store);

/*
 * --next-key and --use-next-key: the process' exit code. The first prints `key: K`, the public
 * one; nodes hear of it when the gateway has been started again, and pin it beside the current.
 */
int setup_next_key(const struct options *options);
int setup_use_next_key(const struct options *options);

/* Reads DATABASE.key.next's public half; zeros where there is no such file. */
int setup_next_key_read(const char *database, struct curve_key *ret_key, char *ret_error,
			size_t error_size);

/* Reads DATABASE.key. On failure a sentence is in ret_error and the pair is wiped. */
int setup_key_read(const char *database, struct curve_pair *ret_pair, char *ret_error,
		   size_t error_size);

#endif
