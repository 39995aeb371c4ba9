/* SPDX-License-Identifier: Apache-2.0 */
/* The process' state: made in main, passed to all. */
#ifndef ANCHORHOLD_GATEWAY_GATEWAY_H
#define ANCHORHOLD_GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/gateway/options.h"
#include "backend/gateway/store.h"
#include "link/curve.h"

#define GATEWAY_VERSION "0.1.0"

struct lws_context;
struct lws_vhost;
struct fleet;
struct channels;
struct linkio;
struct refusals;

struct gateway {
	struct options options;
	struct store *store;
	struct linkio *linkio;
	struct fleet *fleet;
	struct channels *channels;
	struct refusals *refusals;
	struct lws_context *lws;
	struct lws_vhost *vhost;
	char gateway_key[STORE_KEY_LEN]; /* the link's public key, Z85 */
	char next_key[STORE_KEY_LEN];	 /* the one it will change to; "" where there is none */
	struct curve_key next;		 /* the same */
	uint64_t started_us;
	bool stopping;
};

#endif
