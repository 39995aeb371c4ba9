/* SPDX-License-Identifier: Apache-2.0 */
/* One client session, shared by channels.c (the hooks), session_in.c and session_out.c. */
#ifndef ANCHORHOLD_GATEWAY_SESSION_H
#define ANCHORHOLD_GATEWAY_SESSION_H

#include "backend/gateway/away.h"
#include "backend/gateway/channels.h"
#include "backend/gateway/inflight.h"
#include "backend/gateway/synth.h"
#include "backend/gateway/table.h"
#include "link/chunk.h"

/*
 * Without output, before a kernel's death is told. Only where the node's own mark of it does not
 * come, as with a relay that was lost: a pause of the link must not pass for the end.
 */
#define SESSION_DEATH_MS 1000u
/* A request that a loss may have swallowed is given up when its kernel idles this long. */
#define SESSION_SUSPECT_MS 3000u

struct channels {
	struct fleet *fleet;
	struct table *sessions; /* by id */
	struct away *away; /* by client */
	uint16_t serial;   /* of the session last opened */
	struct link_budget budget;
};

/* A message on its way to the client, framed; data has LWS_PRE bytes of room before it. */
struct outgoing {
	struct outgoing *next;
	uint64_t seq; /* of the node's log; 0: the gateway's own */
	size_t len, at;
	bool binary;
	uint8_t data[];
};

/* A client's message that waits for its kernel to be ready. */
struct held {
	struct held *next;
	enum link_channel channel;
	char msg_id[128];
	size_t len;
	uint8_t blob[];
};

struct session {
	uint64_t id;
	struct channels *channels;
	struct kernel *kernel; /* NULL: it is gone, the session is closing */
	struct session *next;  /* of the same kernel */
	struct lws *wsi;
	enum framing framing;
	struct inflight *inflight;

	/* from the client */
	uint8_t *rx;
	size_t rx_len, rx_size;
	struct held *held, **held_end;
	unsigned held_count;
	size_t held_bytes;

	/* from the node */
	bool attached;
	bool resuming; /* attached at a cursor, and nothing has come since */
	uint64_t attach_ms; /* the node would not attach it: not tried again before this */
	unsigned attach_tries;
	struct link_join *join;
	uint64_t received; /* the last complete message's sequence */
	uint32_t owed;	   /* credit used and not granted again */

	/* to the client */
	struct outgoing *out, *out_last;
	size_t out_bytes;
	uint64_t written; /* the last sequence wholly written */
	uint64_t pinged;  /* the sequence the ping under way covers; 0: none */
	uint64_t acked;	  /* ... that a pong covered */
	uint64_t reported; /* ... that the node was told */
	uint64_t ping_ms;
	size_t unproven; /* bytes written since the last ping */
	bool ping_wanted;

	uint64_t death_ms;   /* when its kernel's death is told; 0: not dying */
	uint64_t death_max_ms; /* not later than this */
	bool restart_told;
	bool end_seen; /* the node's mark behind the last output of a dead kernel */
	bool why_told; /* the last message was the node's own, on standard error */
	uint64_t suspect_ms; /* when suspects are given up; 0: there are none */
	unsigned close_code; /* 0: open */
	char close_reason[64];
	uint64_t close_ms; /* closing: no longer than this for what is queued */
};

/* ---- session_out.c ---- */

/* Queues a message for the client. -ENOMEM, -EBADMSG. */
int session_push(struct session *session, uint64_t seq, enum link_channel channel,
		 const struct link_parts *parts);
/* Queues a synthesised message and frees it; result is what synth_x() returned. */
void session_say(struct session *session, int result, struct synth *synth);
/* The whole of a message came from the node's log. */
void session_output(struct session *session, const struct link_chunk *chunk);
/* A message of the node's log that the client does not get: it counts as written in its turn. */
void session_skip(struct session *session, uint64_t seq);
/* Grants credit where the queue allows it. */
void session_credit(struct session *session);
void session_close(struct session *session, unsigned code, const char *reason);
void session_out_free(struct session *session);

/* ---- channels.c ---- */

/* Answers what is open, says why the kernel died and that it is dead. */
void session_tell_dead(struct session *session);

/* ---- session_attach.c ---- */

/* What was sent and is not running may never have arrived: given up when nothing comes. */
void session_suspect(struct session *session);
/* Attaches to the kernel's log where it is not and can be. */
void session_attach(struct session *session);
/* The connection or the relay that knew it is gone: it is attached again where it was. */
void session_reattach(struct session *session);
/* Tells the node what the client is proven to have. */
void session_report(struct session *session);
/* The node did not carry an ATTACH out, or takes it back. */
void session_attach_refused(struct session *session, enum link_code code);

/* ---- session_in.c ---- */

/* Sends what was held, if the kernel is ready now. */
void session_release(struct session *session);
/* Answers requests that will not be: an error reply, an error in the notebook, idle. */
void session_fail(struct session *session, enum inflight_which which, const char *name,
		  const char *text);
void session_fail_one(struct session *session, struct inflight_request *request, const char *name,
		      const char *text);
void session_held_free(struct session *session);

#endif
