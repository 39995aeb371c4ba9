/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tiny gateway for tests: a ROUTER with ZAP on a free port of the loopback, one node, one frame
 * at a time. And hostd-dev as the node, in a folder of its own.
 */
#ifndef ANCHORHOLD_HOSTD_TEST_WORLD_H
#define ANCHORHOLD_HOSTD_TEST_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "link/check.h"
#include "link/chunk.h"
#include "link/curve.h"
#include "link/parts.h"
#include "link/peer.h"
#include "link/wire.h"
#include "link/zap.h"

#define WORLD_EPOCH 42u

struct world {
	struct check *check;
	void *zmq;
	void *router;
	struct curve_pair gateway;
	struct curve_pair node;
	struct curve_pair pinned; /* set: the node is told this key first */
	uint64_t epoch;
	struct link_frame frame; /* for a test to build one in; large */
	struct link_zap *zap;
	struct link_inbox *inbox;
	struct link_route route; /* of the node's connection, from its HELLO */
	int port;
	char folder[64];
	pid_t pid; /* of hostd-dev */
	uint64_t in_seq[LINK_CHANNELS];
	uint64_t request;
	uint64_t ticket; /* the last one given */
	uint32_t incarnation;
	struct link_budget budget;
	struct link_join *join;
};

void world_open(struct world *world, struct check *check);
void world_close(struct world *world);

/* A file of the node's folder, before it starts. */
void world_file(struct world *world, const char *name, const char *text);

/* program is hostd-dev; lua (may be NULL) the kernel of its environment lua. */
void world_node_start(struct world *world, const char *program, const char *lua);
void world_node_stop(struct world *world);

/* The next frame of the node within ms, or NULL. Valid until the next call. */
const struct link_frame *world_receive(struct world *world, int ms);

/* The next frame of that type, others dropped; NULL after ms. */
const struct link_frame *world_wait(struct world *world, enum link_type type, int ms);
void world_send(struct world *world, const struct link_frame *frame);

/* HELLO in, WELCOME out. */
bool world_greet(struct world *world);

/* The WELCOME alone, to whom the frame last received came from. */
void world_welcome(struct world *world);

/* A REQUEST; its RESULT's code, -1 after ms. */
int world_ask(struct world *world, enum link_verb verb, uint8_t kernel, const char *environment,
	      int ms);

/* Waits for a KERNEL frame of that state. */
bool world_state(struct world *world, uint8_t kernel, enum link_kernel_state state, int ms);

void world_attach(struct world *world, uint8_t kernel, uint64_t session, bool resume,
		  uint64_t cursor, uint32_t credit);
void world_session(struct world *world, enum link_type type, uint8_t kernel, uint64_t session,
		   uint64_t value);

/* A request of that type and content on a channel; its msg_id is id. */
void world_request(struct world *world, uint8_t kernel, uint64_t session, enum link_channel channel,
		   const char *type, const char *id, const char *content);

/* The next whole message to a session: header and content as text. NULL parts after ms. */
struct world_message {
	bool ok;
	uint64_t session;
	uint64_t seq;
	enum link_channel channel;
	char type[64];
	char parent[128];
	char content[4096];
};
struct world_message world_message(struct world *world, int ms);

#endif
