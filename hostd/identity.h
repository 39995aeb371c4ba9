/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes a node itself, beside its node.conf, each in a file of its own beside the key:
 *
 *	node.key	its secret CURVE key, made here at first boot where there is none
 *	node.key.next	the one it changes to; becomes node.key once gateways know it
 *	node.ticket	what the last join left for the next
 *	gateway.keys	the gateways' public keys, where those of node.conf are not theirs any more
 *
 * All have mode 0600, and are written beside their place, to the disk, before they take it: after
 * a power cut there is the old file or the new one. Secrets are the caller's to wipe. The
 * functions return 0 or a negative errno.
 */
#ifndef ANCHORHOLD_HOSTD_IDENTITY_H
#define ANCHORHOLD_HOSTD_IDENTITY_H

#include <stdbool.h>

#include "hostd/ipc.h"
#include "link/curve.h"

struct identity {
	int folder;
	char key[64]; /* the name of node.key in it */
};

/* key is the path of node.key. */
int identity_open(const char *key, struct identity *ret_identity);
void identity_close(struct identity *identity);

/*
 * The node's key; where there is none it is made. -EPERM: others may read the file; -EBADMSG: it
 * holds no key; -EKEYREJECTED: a published or weak one.
 */
int identity_key(struct identity *identity, struct curve_pair *ret_pair, bool *ret_made);

/* -ENOENT: it is not changing its key. */
int identity_next(struct identity *identity, struct curve_pair *ret_pair);
/* Another next key, in place of one that may be there. */
int identity_make_next(struct identity *identity, struct curve_pair *ret_pair);
/* The next key is the key from now on. */
int identity_promote(struct identity *identity);

/* Where there is none, or none that can be read: counter 0. */
void identity_ticket(struct identity *identity, struct link_ticket *ret_ticket);
int identity_keep_ticket(struct identity *identity, const struct link_ticket *ticket);

/*
 * The gateways' keys, in Z85: those of node.conf are given in keys and replaced where there is a
 * file that was made for them.
 */
void identity_pins(struct identity *identity, const char *conf_key, char keys[2][IPC_KEY_LEN + 1]);
int identity_keep_pins(struct identity *identity, const char *conf_key,
		       char keys[2][IPC_KEY_LEN + 1]);

#endif
