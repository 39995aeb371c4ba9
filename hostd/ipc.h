/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between the monitor and its workers, over one SOCK_SEQPACKET pair each.
 *
 * A message is a type and that type's one C struct, whole and of exactly its size, with at most
 * one descriptor; both ends are the same program, so the structs are their own format. A receiver
 * still checks type, size and the presence of a descriptor before it looks at the body, and the
 * monitor checks each field again (request.c): a worker may have been taken over.
 */
#ifndef ANCHORHOLD_HOSTD_IPC_H
#define ANCHORHOLD_HOSTD_IPC_H

#include <stddef.h>
#include <stdint.h>

#include "link/wire.h"

#define IPC_FD 3      /* a worker's end */
#define IPC_ROOT_FD 4 /* the relay's: a detached mount that becomes its root */
#define IPC_FILTER_FD 5 /* the role's compiled list of calls */
#define IPC_GATEWAYS_MAX 4u
#define IPC_KEY_LEN 40u	 /* a CURVE key in Z85 */
#define IPC_HMAC_LEN 64u /* hex digits of a kernel's message key */
#define IPC_LOGS_MAX (32u * 1024u)

enum ipc_type {
	IPC_LINK_SETUP = 1, /* monitor to link, once: keys and gateways. It dials then */
	IPC_NODE,	    /* monitor to link: what HELLO says of the node */
	IPC_KERNEL,	    /* monitor to link: a kernel's state changed */
	IPC_STREAM,	    /* monitor to link and relay, with a descriptor */
	IPC_RESULT,	    /* monitor to link */
	IPC_LOGS,	    /* monitor to link: a RESULT of much text: LINK_LOGS, LINK_USAGE */
	IPC_EVENT,	    /* monitor to link */
	IPC_STATUS,	    /* monitor to link */
	IPC_TICKET_KEPT,    /* monitor to link: the answer to IPC_TICKET */
	IPC_NEXT_KEY,	    /* monitor to link: made by LINK_ROTATE, or to be used now */
	IPC_RELAY_SETUP,    /* monitor to relay, first */
	IPC_RELAY_ORDER,    /* monitor to relay */
	IPC_REQUEST,	    /* link to monitor */
	IPC_EVENT_ACK,	    /* link to monitor */
	IPC_GATEWAY,	    /* link to monitor: a gateway was reached or lost */
	IPC_TICKET,	    /* link to monitor: what a join left, to be kept for the next */
	IPC_STREAM_LOST,    /* link to monitor: a kernel's relay is stuck or broke the format */
	IPC_REFUSED,	    /* link to monitor: what it refused of a gateway */
	IPC_RELAY_READY,    /* relay to monitor: iopub is proven, shell is open */
	IPC_RELAY_DRAINED,  /* relay to monitor: the dead kernel's output has been sent */
	IPC_RELAY_EVENT,    /* relay to monitor */
	IPC_RELAY_OUTPUT,   /* relay to monitor: what its kernel has put out so far */
	IPC_TYPES,
};

struct ipc_link_setup {
	char secret_keys[2][IPC_KEY_LEN + 1]; /* current; next or "". Wiped by both once used */
	char gateway_keys[2][IPC_KEY_LEN + 1]; /* current; next or "" */
	struct link_ticket ticket;	      /* of the last join */
	uint8_t enrol;			      /* 1: it has never joined, and has a secret for it */
	uint8_t join_secret[LINK_SECRET_LEN]; /* wiped by both too */
	uint32_t gateways_count;
	struct {
		uint32_t address; /* IPv4, host order */
		uint16_t port;
	} gateways[IPC_GATEWAYS_MAX];
};

struct ipc_node {
	struct link_hello hello; /* kernels_count 0, entry_to_link_ms 0: the link fills them */
};

struct ipc_kernel {
	struct link_kernel kernel;
	char environment[LINK_NAME_MAX];
	char project[LINK_NAME_MAX];
};

/* The one end of a kernel's stream of link frames; generation counts the relays of a kernel. */
struct ipc_stream {
	uint8_t kernel_id[LINK_ID_LEN];
	uint32_t generation;
};

struct ipc_result {
	uint32_t gateway; /* index in ipc_link_setup */
	uint32_t code;	  /* enum link_code */
	uint64_t id;
	int32_t error;
	uint32_t incarnation;
	char text[LINK_TEXT_MAX];
};

struct ipc_logs {
	uint32_t gateway;
	uint32_t text_len;
	uint64_t id;
	char text[IPC_LOGS_MAX]; /* not NUL-terminated */
};

struct ipc_event {
	struct link_event event;
};

struct ipc_status {
	struct link_status status;
};

struct ipc_ticket {
	struct link_ticket ticket;
	uint8_t own_next;	       /* 1: it joined with the next of the node's keys */
	uint8_t gateway_next;	       /* 1: with the next of the gateways' */
	uint8_t next_key[LINK_KEY_LEN]; /* what the gateways change to; zeros: to none */
};

struct ipc_ticket_kept {
	uint64_t counter; /* 0: it could not be kept */
};

struct ipc_next_key {
	char secret_key[IPC_KEY_LEN + 1]; /* "": use the one that is there */
};

struct ipc_relay_setup {
	uint8_t kernel_id[LINK_ID_LEN];
	uint32_t incarnation;
	uint32_t generation;	   /* 0, then one more for each relay that was lost */
	char key[IPC_HMAC_LEN + 1]; /* hex */
	uint32_t output_kibps;	    /* 0: the relay's default */
	uint32_t output_messages;   /* a second; 0: default */
	uint32_t execution_s;	    /* deadline of an execution; 0: none */
};

enum ipc_order {
	IPC_ORDER_SHUTDOWN = 1, /* ask the kernel to end */
	IPC_ORDER_SHUTDOWN_RESTART, /* the same, and say that it will be started again */
	IPC_ORDER_INTERRUPT, /* interrupt_request on control */
	IPC_ORDER_RESTART,   /* the old kernel is gone; incarnation and key of the next */
	IPC_ORDER_DIED,	     /* it is gone for good: deliver what is left, then exit */
	IPC_ORDER_AGAIN,     /* another monitor asks: say RELAY_READY or RELAY_DRAINED again, if so */
	IPC_ORDER_TELL,	     /* write text into the output log, to whom executes */
};

struct ipc_relay_order {
	uint32_t order;
	uint32_t incarnation;	    /* RESTART: of the next */
	char key[IPC_HMAC_LEN + 1]; /* RESTART: of the next */
	char text[LINK_TEXT_MAX];   /* DIED: why, for the user, or ""; TELL */
};

struct ipc_request {
	uint32_t gateway;
	struct link_request request;
};

struct ipc_event_ack {
	uint64_t seq;
};

struct ipc_gateway {
	uint32_t gateway;
	uint32_t up;
	uint32_t next_key; /* up by the next of the two server keys */
};

enum ipc_refusal {
	IPC_REFUSAL_KEY = 1, /* what answered did not prove that it holds a pinned key */
	IPC_REFUSAL_FRAME,   /* it does, and sent what is no frame, or none that it may send now */
	IPC_REFUSAL_MESSAGE, /* a message said before, to what was there before, of no session */
	IPC_REFUSALS,
};

struct ipc_refused {
	uint32_t gateway;
	uint32_t why;
	uint32_t next_key; /* 1: the next of the two server keys, 0: the current */
	uint32_t count;	   /* since it was last told */
};

struct ipc_relay_ready {
	uint32_t incarnation;
};

struct ipc_relay_drained {
	uint32_t incarnation;
};

enum ipc_relay_event_kind {
	IPC_RELAY_BAD_MESSAGE = 1, /* the kernel sent what is no signed Jupyter message */
	IPC_RELAY_TOO_LARGE,	   /* a message over LINK_MESSAGE_MAX was left out */
	IPC_RELAY_LOG_FULL,	   /* the kernel waits for its readers */
	IPC_RELAY_GAP,		   /* output was left out, nobody was reading */
	IPC_RELAY_SILENT,	   /* no heartbeat */
	IPC_RELAY_OUTPUT_HELD,	   /* its output rate is reached; count: ms of the last 5 s */
	IPC_RELAY_EXECUTION,	   /* an execution's deadline has passed; count: its seconds */
	IPC_RELAY_EXECUTION_END,   /* and that execution has ended */
	IPC_RELAY_EVENTS,
};

struct ipc_relay_event {
	uint32_t kind;
	uint64_t count; /* of messages or bytes, by kind */
};

struct ipc_relay_output {
	uint64_t bytes;
	uint64_t messages;
};

/* Every body, for one receive buffer; 8-byte aligned. */
struct ipc_message {
	enum ipc_type type;
	int fd; /* -1: none. The receiver's, who takes it (and sets -1) or ipc_message_clear closes it. */
	union {
		struct ipc_link_setup link_setup;
		struct ipc_node node;
		struct ipc_kernel kernel;
		struct ipc_stream stream;
		struct ipc_result result;
		struct ipc_logs logs;
		struct ipc_event event;
		struct ipc_status status;
		struct ipc_ticket ticket;
		struct ipc_ticket_kept ticket_kept;
		struct ipc_next_key next_key;
		struct ipc_relay_setup relay_setup;
		struct ipc_relay_order relay_order;
		struct ipc_request request;
		struct ipc_event_ack event_ack;
		struct ipc_gateway gateway;
		struct ipc_refused refused;
		struct ipc_relay_ready relay_ready;
		struct ipc_relay_drained relay_drained;
		struct ipc_relay_event relay_event;
		struct ipc_relay_output relay_output;
	} u;
};

/* A connected pair, both ends close-on-exec and non-blocking, with buffers for bursts. */
int ipc_pair(int ret_fds[2]);

/*
 * Sends one message; body is the type's struct, fd (-1: none) goes as a copy. -EAGAIN where the
 * peer does not read, -EPIPE where it is gone, -EINVAL for a type or fd that does not go together.
 */
int ipc_send(int fd, enum ipc_type type, const void *body, int pass_fd);

/*
 * Receives one message whole. 1 with *ret_message filled, 0 at the end of the stream, -EAGAIN
 * where nothing waits, -EBADMSG for anything that is no message (descriptors in it are closed).
 */
int ipc_receive(int fd, struct ipc_message *ret_message);

/* Closes a descriptor not taken and wipes the body: keys pass through here. */
void ipc_message_clear(struct ipc_message *message);

size_t ipc_size(enum ipc_type type);		 /* of its struct; 0: no such type */
const char *ipc_type_name(enum ipc_type type);	 /* for logs; "?" where unknown */

#endif
