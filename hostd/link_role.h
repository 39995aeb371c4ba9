/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link: the one process that reads bytes of the network. It holds the node's CURVE secret and
 * nothing else: no files, no other process. This header is what its own files share.
 *
 *	link.c	        the loop, messages from the monitor
 *	link_gateway.c  one DEALER a gateway: keys, what waits for it
 *	link_join.c     how it gets in: HELLO or ENROL, tickets, the node's next key
 *	link_events.c   which of them the node's events go to
 *	link_refused.c  what is refused of it, for the node's own events
 *	link_table.c    the kernels, dead ones for a while
 *	link_kernel.c   their streams
 *	link_session.c  their sessions
 *	link_request.c  frames from a gateway, a table
 *
 * Backpressure: a gateway that does not read stops the streams whose next frame is for it, and so
 * the kernels behind them; control frames wait in a bounded outbox and go first. A relay that does
 * not read stops the gateways for at most LINK_STUCK_MS, then it is given up.
 */
#ifndef ANCHORHOLD_HOSTD_LINK_ROLE_H
#define ANCHORHOLD_HOSTD_LINK_ROLE_H

#include <stdbool.h>
#include <stdint.h>

#include "hostd/ipc.h"
#include "hostd/loop.h"
#include "link/curve.h"
#include "link/cursor.h"
#include "link/peer.h"
#include "link/watch.h"
#include "link/wire.h"

#define LINK_OUTBOX_MAX (1024u * 1024u) /* bytes of control frames for one gateway */
#define LINK_QUEUE_MARK (256u * 1024u)	/* bytes for one relay above which gateways wait */
#define LINK_QUEUE_MAX (2u * LINK_QUEUE_MARK)
#define LINK_STUCK_MS 2000u
#define LINK_PAUSED_MS 300000u /* a lost gateway's session keeps its place so long */
#define LINK_RETURN_MS 5000u
#define LINK_REQUESTS_MAX 64u  /* under way at once; more are answered LINK_E_BUSY */
#define LINK_REQUESTS_A_SECOND 200u /* the same; the monitor ends a link that asks 500 times */
#define LINK_DEATH_MS 60000u   /* a death is told again so long, on each new connection */
#define LINK_EVENTS_MAX 256u
#define LINK_EVENTS_MS 30000u /* without an acknowledgement: they are sent again */
#define LINK_REDIAL_MS 500u /* after a failed handshake; doubles, with jitter, up to */
#define LINK_REDIAL_MAX_MS 30000u
#define LINK_REFUSED_MS 5000u /* what was refused is told at most so often */
#define LINK_JOIN_MS 10000u /* from HELLO to WELCOME: then another gateway gets its turn */

enum gateway_state {
	GATEWAY_DOWN,	  /* no authenticated connection */
	GATEWAY_TURN,	  /* it waits for its turn to join */
	GATEWAY_ENROLLING, /* ENROL is on its way */
	GATEWAY_GREETED,  /* HELLO is on its way; nothing else is sent */
	GATEWAY_WELCOMED,
};

struct gateway {
	struct link *link;
	uint32_t index;
	char endpoint[64];
	void *socket; /* NULL: closed, between two tries */
	struct link_watch *watch;
	bool awake, watch_awake; /* to be looked at: to ask a socket for nothing costs */
	bool full;		 /* a kernel's frame waits until it takes more */
	struct link_outbox *outbox;
	enum gateway_state state;
	uint64_t epoch;	  /* of the last WELCOME */
	unsigned key;	  /* which of the pinned keys is tried */
	unsigned own;	  /* which of the node's own */
	uint32_t redial_ms;
	struct loop_timer redial;
	uint64_t event_sent; /* events up to this were sent to it */
	struct {
		uint32_t count; /* not told yet */
		bool next_key;
	} refused[IPC_REFUSALS];
	bool accused; /* what it said once let in was refused, at some time */
};

enum session_state {
	SESSION_NONE,
	SESSION_ATTACHING, /* what comes is of an earlier ATTACH: dropped */
	SESSION_ACTIVE,
	SESSION_PAUSED, /* its gateway is lost: dropped, the log keeps it */
};

struct session {
	enum session_state state;
	uint64_t id;
	struct gateway *gateway;
	uint64_t paused_ms;
};

/* A frame that waits. */
struct packet {
	struct packet *next;
	size_t len;
	uint8_t bytes[];
};

struct link_entry { /* one kernel */
	bool used;
	struct link_kernel_info info;
	uint32_t generation;
	int fd; /* -1: no stream */
	bool readable;
	struct packet *queue; /* to the relay */
	size_t queue_bytes;
	uint64_t stuck_ms; /* since when it takes nothing; 0: it does */
	struct packet *held;	 /* from the relay: waits for held_for */
	struct gateway *held_for;
	struct session sessions[LINK_SESSIONS_MAX];

	struct link_kernel death; /* once it is dead: how */
	uint64_t died_ms;
	uint64_t told_ms; /* when a gateway was first told; 0: none was */
};

struct link {
	struct loop *loop;
	int ipc_fd;
	int exit_code;
	void *zmq;
	bool set_up;
	struct curve_pair own[2]; /* current; next, with own_count 2 */
	unsigned own_count;
	struct curve_key keys[2];
	unsigned keys_count;
	uint32_t gateways_count;
	struct gateway gateways[IPC_GATEWAYS_MAX];
	struct link_inbox *inbox;
	struct link_entry kernels[LINK_KERNELS_MAX];
	uint32_t kernels_end; /* behind the last one ever used */
	uint32_t kernels_turn;
	struct link_hello node; /* the node's part of HELLO */

	/* link_join.c: one join at a time, for each voids the ticket of the one before. */
	struct link_ticket ticket; /* the one to show */
	struct ipc_ticket given;   /* by the join under way; the monitor is keeping it */
	bool keeping;		   /* no other join may begin meanwhile */
	struct gateway *joining;   /* whose turn it is; NULL: nobody's */
	struct loop_timer join_timer;
	bool enrol; /* this node's key is to be registered first */
	uint8_t join_secret[LINK_SECRET_LEN];

	/* Not acknowledged; a gateway at a time gets them. */
	struct link_event events[LINK_EVENTS_MAX];
	uint32_t events_count;
	uint64_t events_ms; /* of the last to be sent, or acknowledged */
	uint64_t refused_ms; /* when the monitor was last told what was refused; 0: never */

	uint32_t requests; /* under way */
	uint64_t requests_second;
	uint32_t requests_count; /* in that second */
	struct loop_timer tick;
	struct ipc_message message;
	struct link_frame frame; /* being built; large */
	struct link_frame peeked; /* a stream's, being looked at */
	uint8_t bytes[LINK_FRAME_MAX];
};

/* ---- link.c ---- */

/* Runs until the monitor is gone. Needs no privilege. Returns the process's exit code. */
int link_run(int ipc_fd);

/* To the monitor; a failure ends the role. */
void link_tell(struct link *link, enum ipc_type type, const void *body);

/* The HELLO as it is true now. */
void link_hello_fill(struct link *link, struct link_hello *ret_hello);

/* ---- link_gateway.c ---- */

int gateways_open(struct link *link, const struct ipc_link_setup *setup);
void gateways_close(struct link *link);

/* Takes what came and sends what waits; true where another call would move more at once. */
bool gateway_pump(struct gateway *gateway, bool receive);

/* After all else of a turn: true where its sending has hidden that there is more to do. */
bool gateway_more(struct gateway *gateway, bool receive);

/* A control frame: queued. A gateway whose outbox is full is given up and dialled again. */
void gateway_send(struct gateway *gateway, const struct link_frame *frame);
void gateways_send(struct link *link, const struct link_frame *frame); /* to all welcomed */

/* One packed frame at once; -EAGAIN where it takes none now. */
int gateway_forward(struct gateway *gateway, const uint8_t *bytes, size_t len);

/* Closes and dials again, at once or after a delay that doubles. */
void gateway_dial_now(struct gateway *gateway);
void gateway_redial(struct gateway *gateway);

/* ---- link_join.c ---- */

/* Keys and ticket of a setup, whose secrets are wiped. */
int join_setup(struct link *link, struct ipc_link_setup *setup);

/* The gateway's connection is up: it joins now, or when it is its turn. */
void join_start(struct gateway *gateway);
/* It is down, whatever it was doing. */
void join_down(struct gateway *gateway);
/* It is welcomed: the ticket goes to the monitor, and when that has it, back as JOIN_ACK. */
void join_welcomed(struct gateway *gateway, const struct link_welcome *welcome);
void join_kept(struct link *link, const struct ipc_ticket_kept *kept);
/* It answered ENROL, or does not let us in. */
void join_verdict(struct gateway *gateway, const struct link_verdict_body *verdict);
/* The gateway refused the key: another one is tried, where there is one. */
void join_refused(struct gateway *gateway);
int join_next_key(struct link *link, struct ipc_next_key *next);

/* ---- link_events.c ---- */

void gateway_events(struct link *link); /* sends what is not yet sent, to one gateway */
void gateway_events_again(struct link *link); /* and all, where that was long ago */

/* ---- link_refused.c ---- */

/* Counted; whatever a gateway does makes no more of it than a number. */
void gateway_refused(struct gateway *gateway, enum ipc_refusal why);
/* The same for a REFUSED that it is sent: where its code says that the message was not its to say. */
void gateway_refused_message(struct gateway *gateway, const struct link_refused *refused);
void gateways_tell_refused(struct link *link); /* called often */

/* ---- link_table.c ---- */

struct link_entry *entry_find(struct link *link, const uint8_t id[LINK_ID_LEN]);
struct link_entry *entry_new(struct link *link, const uint8_t id[LINK_ID_LEN]); /* NULL: full */
void entry_update(struct link *link, const struct ipc_kernel *update);

/* What died, to a gateway that was just welcomed: it may have been told, but on a dead connection. */
void entries_deaths(struct gateway *gateway);
void entries_bury(struct link *link); /* those that it is time to forget */

/* ---- link_kernel.c ---- */

void entry_stream(struct link *link, const struct ipc_stream *stream, int fd); /* takes fd */

/* A frame to the relay: at once or queued; -EAGAIN where its queue is full or it has none. */
int entry_send(struct link *link, struct link_entry *entry, const struct link_frame *frame);
bool entry_pump(struct link *link, struct link_entry *entry); /* true: there is more */
bool entries_pump(struct link *link);
bool entries_choked(struct link *link); /* a relay is behind: gateways wait */
void entries_close(struct link *link);

/* ---- link_session.c ---- */

struct session *entry_session(struct link_entry *entry, uint64_t session);

/*
 * Notes an ATTACH that is passed on to the relay next, and detaches the client's other sessions. A
 * session may come back through another gateway: it then belongs to that one. -ENOSPC: LINK_SESSIONS_MAX.
 */
int entry_attach(struct link *link, struct link_entry *entry, struct gateway *gateway,
		 const struct link_attach *attach);

/* Their gateways must attach them again: the relay that knew them is gone. */
void entry_sessions_refuse(struct link *link, struct link_entry *entry);

/* A gateway is lost: its sessions keep their place for LINK_PAUSED_MS. */
void entries_pause(struct link *link, struct gateway *gateway);

/* It is back: what it does not attach again within LINK_RETURN_MS has no client any more. */
void entries_return(struct link *link, struct gateway *gateway);
void entries_detach(struct link *link, struct gateway *gateway);
void entries_tick(struct link *link);

/* ---- link_request.c ---- */

/* A frame from a gateway. -EPROTO where it may not send it now. */
int request_take(struct gateway *gateway, const struct link_frame *frame);

#endif
