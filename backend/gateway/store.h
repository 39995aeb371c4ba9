/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the gateway must not forget: tokens, nodes and their joins, projects, events, kernels, what
 * is cut off, and the environments last seen. One implementation today (SQLite); another joins behind this header.
 *
 * Every call is synchronous and short. All return 0 or a negative errno (-ENOENT: no such row,
 * -EEXIST: it is there already, -EIO: the store failed; store_error says how). Strings given
 * to callbacks live only for the call. A callback that returns false ends the walk.
 */
#ifndef ANCHORHOLD_GATEWAY_STORE_H
#define ANCHORHOLD_GATEWAY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_NAME_MAX 64u /* names of owners, nodes, environments; NUL included */
#define STORE_HASH_LEN 32u
#define STORE_KEY_LEN 41u    /* Z85 and its NUL */
#define STORE_EVENTS_MAX 100000 /* beyond it whoever has most of them loses its oldest */
#define STORE_EVENTS_SWEEP 8192 /* of so many insertions one looks whether there are too many */

struct store;

struct store_owner {
	char name[STORE_NAME_MAX];
	bool admin;
};

struct store_node {
	char name[STORE_NAME_MAX];
	char public_key[STORE_KEY_LEN];
	char next_key[STORE_KEY_LEN]; /* it is changing to this one; "" where it is not */
	int64_t added; /* Unix seconds */
	bool revoked;
	bool locked; /* two nodes have its key */
	uint64_t joins; /* grows with each */
};

struct store_enrolment { /* a one-time secret that waits for its node */
	char name[STORE_NAME_MAX];
	int64_t expires; /* Unix seconds */
};

struct store_kernel {
	char id[37]; /* a UUID as text */
	char environment[STORE_NAME_MAX];
	char node[STORE_NAME_MAX];
	char owner[STORE_NAME_MAX];
	char project[STORE_NAME_MAX];
	int64_t created; /* Unix seconds */
	const char *settings; /* JSON of what it was started with; "" where that is not known */
	int64_t network_max; /* enum link_network: its client never wanted more */
};

struct store_event {
	int64_t id; /* of the store; grows */
	const char *node;
	const uint8_t *boot_id; /* 16 bytes: of the boot in which it happened */
	uint64_t seq;
	uint64_t time_ms;
	const char *kernel; /* "" where it concerns the node */
	const char *kind;
	const char *project;
	const char *text;
};

struct store_environment {
	char name[STORE_NAME_MAX];
	char display_name[STORE_NAME_MAX];
	char language[STORE_NAME_MAX];
	char version[STORE_NAME_MAX];
	bool interrupt_message;
};

enum store_cut { STORE_CUT_ALL, STORE_CUT_NODE, STORE_CUT_KERNEL };

/* Makes a new database, mode 0600. -EEXIST where the file exists: nothing is overwritten. */
int store_create(const char *path);

/*
 * Opens an existing database; one of an older version is brought up to this one first, as a whole
 * or not at all. -ENOENT: there is none; -EPROTO: it is none of ours, or of a newer version; on
 * failure a sentence is in ret_error.
 */
int store_open(const char *path, struct store **ret_store, char *ret_error, size_t error_size);
void store_close(struct store *store);
const char *store_error(const struct store *store);

int store_token_add(struct store *store, const uint8_t hash[STORE_HASH_LEN],
		    const struct store_owner *owner);
int store_token_find(struct store *store, const uint8_t hash[STORE_HASH_LEN],
		     struct store_owner *ret_owner);

/* An event that the store already has (same node, boot and sequence) is not stored twice. */
int store_event_add(struct store *store, const struct store_event *event);
/* The id behind which are the newest `count`, 0 where there are no more than that. */
int store_event_before(struct store *store, int64_t count, int64_t *ret_id);
int store_event_walk(struct store *store, int64_t after, int limit,
		     bool (*each)(void *ctx, const struct store_event *event), void *ctx);

int store_kernel_put(struct store *store, const struct store_kernel *kernel);
int store_kernel_remove(struct store *store, const char *id);
int store_kernel_walk(struct store *store,
		      bool (*each)(void *ctx, const struct store_kernel *kernel), void *ctx);

int store_environment_put(struct store *store, const struct store_environment *environment);
int store_environment_walk(struct store *store,
			   bool (*each)(void *ctx, const struct store_environment *environment),
			   void *ctx);

/* ---- store_nodes.c ---- */

int store_node_add(struct store *store, const char *name, const char *public_key);
int store_node_find(struct store *store, const char *name, struct store_node *ret_node);
/* By either of its keys. */
int store_node_by_key(struct store *store, const char *public_key, struct store_node *ret_node);
int store_node_walk(struct store *store, bool (*each)(void *ctx, const struct store_node *node),
		    void *ctx);

/* All three are on the disk when they return 0. Unlocked, its next join may be with any ticket. */
int store_node_revoke(struct store *store, const char *name);
int store_node_lock(struct store *store, const char *name);
int store_node_unlock(struct store *store, const char *name);

/* It will also come by this key. -EEXIST where a node has it already. */
int store_node_next_key(struct store *store, const char *name, const char *key);
/* It has come by its next key, which is its only one from now on. */
int store_node_promote(struct store *store, const char *name);

/*
 * A join with ticket number `counter` (0: none), whose signature is right or not, judged by join.h
 * in one transaction. joins is the node's as it was when the connection was let in: -EAGAIN where
 * it is another by now, and nothing is judged. 0 and the number of the next ticket; -ESTALE: it was
 * stale and the node is locked now; -EPERM: it is locked or revoked.
 */
int store_node_join(struct store *store, const char *name, uint64_t joins, uint64_t counter,
		    bool tag_ok, uint64_t *ret_next);
/* The node has stored that ticket. A number that is not the last given changes nothing. */
int store_node_joined(struct store *store, const char *name, uint64_t counter);

/* What tickets are signed with; made when first asked for. */
int store_ticket_key(struct store *store, uint8_t ret_key[32]);

/*
 * True where another process has changed the database since this was last asked with the same
 * *seen, which begins as 0.
 */
bool store_changed(struct store *store, int64_t *seen);

/* ---- store_enrol.c ---- */

/*
 * A one-time secret for a node of that name, in place of one that may be there. Its hash alone is
 * kept. -EEXIST: there is such a node, and it is not revoked.
 */
int store_enrol_add(struct store *store, const char *name, const uint8_t secret[32],
		    int64_t expires);

/*
 * The node registers its key, once. -ENOENT: no such secret, or it is used or expired;
 * -EKEYREJECTED: it is wrong, or the node has another name (and with the fifth such try it is
 * void); -EEXIST: a node has that key.
 */
int store_enrol_use(struct store *store, const char *name, const uint8_t secret[32],
		    const char *public_key, int64_t now);

/* Those that have not expired, by name. */
int store_enrol_walk(struct store *store, int64_t now,
		     bool (*each)(void *ctx, const struct store_enrolment *row), void *ctx);
/* Is anybody awaited? */
bool store_enrol_any(struct store *store, int64_t now);

/* ---- store_projects.c ---- */

/* Makes or replaces the project; settings is JSON text. */
int store_project_put(struct store *store, const char *name, const char *settings);

/* *ret_settings is the caller's to free. */
int store_project_get(struct store *store, const char *name, char **ret_settings);
int store_project_walk(struct store *store,
		       bool (*each)(void *ctx, const char *name, const char *settings), void *ctx);

/* What the kill switch holds: name is a node's, a kernel's id, or "" for all. */
int store_cut_set(struct store *store, enum store_cut what, const char *name, bool on);
int store_cut_walk(struct store *store,
		   bool (*each)(void *ctx, enum store_cut what, const char *name), void *ctx);

#endif
