/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames of the link between a node and a gateway.
 *
 * One frame is one ZeroMQ message of exactly one part, at most LINK_FRAME_MAX bytes.
 * PROTOCOL.md says every byte; this header is its C shape. All integers are big-endian
 * on the wire. Packing and unpacking do no I/O and keep no state.
 *
 * Unpacking is complete or an error: every field is checked against its ceiling and no
 * byte may follow the last field. Unpacked strings are NUL-terminated copies inside the
 * struct; `data` and `text` pointers point into the frame given and live as long as it does.
 * Packing checks the same rules, so what was packed can be unpacked.
 *
 * Strings by field. Identifiers are [A-Za-z0-9._-]: node and environment names, language,
 * versions, build_id, missing promises, event kinds; a project is an identifier or empty.
 * display_name, the texts of KERNEL and EVENT are printable UTF-8 (no control characters), may
 * be empty. RESULT.text may hold newlines and tabs besides (it carries log lines).
 *
 * struct link_frame is large (about 90 KiB, a HELLO unpacked): one a process, not on a stack.
 *
 * All functions return 0, or a negative errno: -EBADMSG (malformed), -EPROTO (unknown
 * version or type), -EMSGSIZE (over a ceiling), -ENOBUFS (the output buffer is too small),
 * and from packing -EINVAL (a field of the caller's is out of range).
 */
#ifndef ANCHORHOLD_LINK_WIRE_H
#define ANCHORHOLD_LINK_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_VERSION 3u
#define LINK_FRAME_MAX (96u * 1024u)	    /* bytes of one frame; holds the largest HELLO */
#define LINK_HEAD_MAX 128u		    /* bytes that link_frame_pack_head() writes */
#define LINK_CHUNK_MAX (64u * 1024u)	    /* payload bytes of one IN or OUT frame */
#define LINK_MESSAGE_MAX (16u * 1024u * 1024u) /* bytes of one Jupyter message (parts blob) */
#define LINK_PARTS_MAX 64u		    /* parts of one Jupyter message */
#define LINK_ID_LEN 16u			    /* a kernel id: a UUID's 16 bytes */
#define LINK_NAME_MAX 64u		    /* names, NUL included */
#define LINK_TEXT_MAX 256u		    /* short texts, NUL included */
#define LINK_ENVIRONMENTS_MAX 32u
#define LINK_KERNELS_MAX 512u
#define LINK_PROMISES_MAX 32u
#define LINK_STEPS_MAX 16u
#define LINK_EGRESS_RULES_MAX 32u
#define LINK_RESOLVERS_MAX 3u
#define LINK_AMOUNT_MAX 0x7fffffffu /* of a limit, whatever its unit: fits an int everywhere */
#define LINK_CPU_WEIGHT_MAX 10000u
#define LINK_GRACE_MAX_S 3600u
#define LINK_WINDOW_MAX (4u * 1024u * 1024u) /* credit a session may hold, bytes */
#define LINK_KEY_LEN 32u    /* a CURVE key */
#define LINK_TAG_LEN 32u    /* what a ticket is signed with */
#define LINK_SECRET_LEN 32u /* a one-time secret: its handle, then what is secret */
#define LINK_HANDLE_LEN 8u

/* The types. N: node to gateway, G: gateway to node. */
enum link_type {
	LINK_HELLO = 1,	   /* N first frame of every connection */
	LINK_WELCOME = 2,  /* G its answer; until then a node sends nothing else */
	LINK_STATUS = 3,   /* N every LINK_STATUS_MS; also the lease */
	LINK_REQUEST = 4,  /* G do something to a kernel or the node */
	LINK_RESULT = 5,   /* N what became of a REQUEST */
	LINK_KERNEL = 6,   /* N a kernel changed its state */
	LINK_ATTACH = 7,   /* G a client session begins or resumes */
	LINK_DETACH = 8,   /* G it ended */
	LINK_CREDIT = 9,   /* G it can take so many more bytes */
	LINK_CURSOR = 10,  /* G its client has everything up to this sequence */
	LINK_IN = 11,	   /* G a chunk of a message for the kernel */
	LINK_OUT = 12,	   /* N a chunk of a message from the kernel's output log */
	LINK_REFUSED = 13, /* N an IN or ATTACH that was not carried out, and why */
	LINK_EVENT = 14,   /* N something an operator should know */
	LINK_EVENT_ACK = 15, /* G events up to this sequence are stored */
	LINK_ENROL = 16,     /* N instead of HELLO: register this connection's key by a secret */
	LINK_VERDICT = 17,   /* G answer to ENROL, or to a HELLO that is not welcome */
	LINK_JOIN_ACK = 18,  /* N the ticket of WELCOME is stored */
};

#define LINK_STATUS_MS 5000u /* between two STATUS frames */
#define LINK_LEASE_MS 20000u /* a node silent for so long counts as lost */

enum link_channel { LINK_SHELL, LINK_CONTROL, LINK_STDIN, LINK_IOPUB, LINK_CHANNELS };

enum link_verb {
	LINK_START = 1, /* kernel_id is chosen by the gateway; start is set */
	LINK_STOP = 2,
	LINK_INTERRUPT = 3,
	LINK_RESTART = 4,
	LINK_LOGS = 5,	  /* lines is set; RESULT.text holds the node's last log lines */
	LINK_NETWORK = 6, /* start.network and start.egress: the kernel's policy from now on */
	LINK_CUT = 7,	  /* on is set; a kernel_id of zeros means every cell of the node */
	LINK_USAGE = 8,	  /* RESULT.text: a line "key value" for each number of link_usage_key() */
	LINK_ROTATE = 9,  /* stage is set; 1: RESULT.text is the public key the node made */
};

enum link_code { /* of a RESULT or REFUSED */
	LINK_OK = 0,
	LINK_E_INVALID = 1,	 /* a field is out of range: text names it */
	LINK_E_UNKNOWN = 2,	 /* no such kernel or session */
	LINK_E_EXISTS = 3,	 /* the kernel id is taken */
	LINK_E_ENVIRONMENT = 4,	 /* no such environment on this node */
	LINK_E_CAPACITY = 5,	 /* no free slot or memory */
	LINK_E_REFUSING = 6,	 /* the node lacks a promised protection: text names it */
	LINK_E_SYSTEM = 7,	 /* a step failed: text names it, error holds the errno */
	LINK_E_STALE = 8,	 /* another incarnation, epoch or sequence than expected */
	LINK_E_DEAD = 9,	 /* the kernel has died */
	LINK_E_TOO_LARGE = 10,
	LINK_E_BUSY = 11,	 /* a start, stop or restart of it is under way */
	LINK_E_TIMEOUT = 12,	 /* the kernel did not become ready in time */
};

enum link_rotate { /* stages of LINK_ROTATE */
	LINK_ROTATE_MAKE = 1, /* make the next key pair and keep it beside the current one */
	LINK_ROTATE_USE = 2,  /* it is known here: connect with it */
};

enum link_verdict { /* of a VERDICT */
	LINK_V_ENROLLED = 1, /* the key is registered: connect again and say HELLO */
	LINK_V_SECRET = 2,   /* the secret is unknown, used, expired, or for another name */
	LINK_V_BUSY = 3,     /* too many try to enrol at once: later */
	LINK_V_LOCKED = 4,   /* two nodes have this key: both stay out until an operator decides */
	LINK_V_REVOKED = 5,
};

enum link_network { LINK_NET_SEALED = 0, LINK_NET_LOOPBACK = 1, LINK_NET_EGRESS = 2 };

enum link_workspace { /* what the project's folder on the node is to the kernel */
	LINK_WORKSPACE_NONE = 0,
	LINK_WORKSPACE_READ = 1,
	LINK_WORKSPACE_WRITE = 2,
};

enum link_kernel_state {
	LINK_KERNEL_STARTING = 1,   /* its process runs, its iopub is not yet proven */
	LINK_KERNEL_READY = 2,	    /* shell is open */
	LINK_KERNEL_RESTARTING = 3, /* the old process is being replaced */
	LINK_KERNEL_DEAD = 4,	    /* gone for good; reason says why */
};

enum link_reason {
	LINK_WHY_NONE = 0,
	LINK_WHY_STOPPED = 1, /* by request */
	LINK_WHY_EXITED = 2,  /* status is its exit code */
	LINK_WHY_SIGNAL = 3,  /* status is the signal */
	LINK_WHY_MEMORY = 4,  /* killed at its memory limit */
	LINK_WHY_START = 5,   /* never became ready */
	LINK_WHY_RELAY = 6,   /* its relay was lost */
	LINK_WHY_WALL = 7,    /* wall-clock limit */
	LINK_WHY_IDLE = 8,    /* idle limit */
	LINK_WHY_EXECUTION = 9, /* deadline of an execution */
	LINK_WHY_STALLED = 10,	/* stalled at its memory limit for too long */
};

struct link_environment {
	char name[LINK_NAME_MAX];
	char display_name[LINK_NAME_MAX];
	char language[LINK_NAME_MAX];
	char version[LINK_NAME_MAX];
	uint8_t interrupt_message; /* 1: interrupted by a message, 0: by a signal */
};

struct link_kernel_info {
	uint8_t id[LINK_ID_LEN];
	uint32_t incarnation;
	uint8_t state;
	char environment[LINK_NAME_MAX];
	char project[LINK_NAME_MAX];
};

struct link_step { /* of a boot */
	char name[LINK_NAME_MAX];
	uint64_t ms; /* since kernel entry */
};

/* What a join leaves for the next: only the gateways can make one. */
struct link_ticket {
	uint64_t counter; /* 0: none, the tag is zeros */
	uint8_t tag[LINK_TAG_LEN];
};

struct link_hello {
	uint8_t boot_id[16];
	char name[LINK_NAME_MAX];
	char version[LINK_NAME_MAX];
	char build_id[LINK_NAME_MAX];	    /* of the running kernel, hex */
	uint64_t entry_to_link_ms;	    /* kernel entry to this frame */
	struct link_ticket ticket;	    /* of the last join */
	uint32_t cpus;
	uint32_t memory_mib;
	uint32_t kernels_max;
	uint32_t promises; /* protections asked of the running kernel at boot, kept or not */
	uint32_t environments_count;
	struct link_environment environments[LINK_ENVIRONMENTS_MAX];
	uint32_t missing_count;		    /* promised protections the node lacks */
	char missing[LINK_PROMISES_MAX][LINK_NAME_MAX];
	uint32_t timeline_count;
	struct link_step timeline[LINK_STEPS_MAX];
	uint32_t kernels_count;
	struct link_kernel_info kernels[LINK_KERNELS_MAX];
};

struct link_welcome {
	uint64_t gateway_epoch; /* differs for every gateway process */
	uint64_t time_ms;	/* Unix time */
	struct link_ticket ticket; /* for the next join */
	uint8_t next_key[LINK_KEY_LEN]; /* the public key gateways change to; zeros: none */
};

struct link_status {
	uint64_t uptime_ms;
	uint32_t kernels;
	uint32_t memory_available_mib;
	uint32_t load_milli;	     /* 1-minute load average x 1000 */
	uint32_t pressure_cpu;	     /* PSI some avg10 x 100 */
	uint32_t pressure_memory;
	uint32_t pressure_io;
};

struct link_egress_rule { /* what a cell may send to, and the answers to it */
	uint32_t address; /* IPv4, host order; host bits zero */
	uint8_t bits;	  /* 0..32 */
	uint8_t protocol; /* 0 any, 1 ICMP echo, 6 TCP, 17 UDP */
	uint16_t port_first, port_last; /* TCP and UDP only; 0, 0: any */
};

struct link_egress { /* LINK_NET_EGRESS only; whatever it says, never to node or gateways */
	uint32_t rules_count;
	struct link_egress_rule rules[LINK_EGRESS_RULES_MAX];
	uint32_t resolvers_count; /* DNS servers, reachable without a rule of their own */
	uint32_t resolvers[LINK_RESOLVERS_MAX]; /* IPv4, host order */
	uint32_t rate_kibps; /* each way; 0: the node's default */
	uint64_t bytes_max;  /* both ways together; 0: none */
};

struct link_start {
	char environment[LINK_NAME_MAX];
	char project[LINK_NAME_MAX];
	uint32_t memory_mib;	  /* 0: the node's default */
	uint32_t cpu_milli;	  /* 1000 = one CPU; 0: default */
	uint32_t cpu_weight;	  /* 1..LINK_CPU_WEIGHT_MAX; 0: 100 */
	uint32_t pids_max;	  /* 0: default */
	uint32_t tmpfs_mib;	  /* /tmp and home together; 0: default */
	uint32_t io_kibps;	  /* of reads and of writes, each; 0: none */
	uint32_t io_iops;	  /* 0: none */
	uint32_t wall_s;	  /* 0: none */
	uint32_t idle_s;	  /* 0: none */
	uint32_t execution_s;	  /* an execution's deadline: interrupted then; 0: none */
	uint32_t grace_s;	  /* from that interrupt to the kill; 0: 5 */
	uint32_t output_kibps;	  /* what it may print a second; 0: the node's default */
	uint32_t output_messages; /* a second; 0: default */
	uint8_t workspace;	  /* enum link_workspace; other than none needs a project */
	uint8_t workspace_exec;	  /* 1: programs in it may be executed */
	uint32_t workspace_mib;	  /* the project's quota; 0: default */
	uint32_t workspace_inodes; /* 0: default */
	uint8_t strict;	  /* 1: shares no page cache with other projects; needs a project */
	uint8_t network;  /* enum link_network */
	struct link_egress egress; /* zeros unless network is LINK_NET_EGRESS */
};

struct link_request {
	uint64_t id; /* chosen by the gateway, echoed in the RESULT */
	uint8_t verb;
	uint8_t kernel_id[LINK_ID_LEN];
	struct link_start start; /* LINK_START; LINK_NETWORK: network and egress */
	uint32_t lines;		 /* LINK_LOGS only */
	uint8_t on;		 /* LINK_CUT: 1 cuts all traffic, beating every rule; 0 lifts it */
	uint8_t stage;		 /* LINK_ROTATE: enum link_rotate */
};

struct link_result {
	uint64_t id;
	uint16_t code;
	int32_t error; /* errno of the failed step, 0 where none */
	uint32_t incarnation;
	uint32_t text_len; /* at most LINK_CHUNK_MAX */
	const uint8_t *text; /* not NUL-terminated */
};

struct link_kernel {
	uint8_t kernel_id[LINK_ID_LEN];
	uint32_t incarnation;
	uint8_t state;
	uint8_t reason;
	int32_t status;
	char text[LINK_TEXT_MAX];
};

struct link_attach {
	uint8_t kernel_id[LINK_ID_LEN];
	uint64_t session; /* chosen by the gateway, random, never 0 */
	uint8_t resume;	  /* 1: from cursor; 0: where the last detached session stopped, else now */
	uint64_t cursor;
	uint32_t credit;
};

struct link_session { /* DETACH, CREDIT, CURSOR */
	uint8_t kernel_id[LINK_ID_LEN];
	uint64_t session;
	uint64_t value; /* CREDIT: more bytes; CURSOR: sequence; DETACH: 0 */
};

struct link_chunk { /* IN and OUT */
	uint8_t kernel_id[LINK_ID_LEN];
	uint32_t incarnation; /* IN: that the sender means; OUT: that wrote the message */
	uint64_t session;     /* IN: whose message; OUT: to whom; never 0 */
	uint64_t epoch; /* IN: the sender's, new for each of its connections, never 0; OUT: 0 */
	uint64_t seq;	/* IN: per (incarnation, epoch, channel), from 1; OUT: the log's, never 0 */
	uint8_t channel;
	uint32_t total;	 /* bytes of the whole message, 1..LINK_MESSAGE_MAX */
	uint32_t offset; /* of this chunk in it; offset + data_len <= total */
	uint32_t data_len; /* 1..LINK_CHUNK_MAX */
	const uint8_t *data;
};

struct link_refused {
	uint8_t kernel_id[LINK_ID_LEN];
	uint64_t session;
	uint64_t seq; /* of the IN; 0 for an ATTACH */
	uint8_t channel;
	uint16_t code;
};

struct link_event {
	uint8_t boot_id[16]; /* of the boot in which it happened */
	uint64_t seq;	     /* grows over boots too, while the node keeps its journal */
	uint64_t time_ms;
	uint8_t kernel_id[LINK_ID_LEN]; /* zero where it concerns the node */
	char kind[LINK_NAME_MAX];	/* as in "limit.memory", "kernel.died" */
	char project[LINK_NAME_MAX];
	char text[LINK_TEXT_MAX];
};

struct link_enrol {
	char name[LINK_NAME_MAX];	  /* the node's, as its configuration says */
	uint8_t public_key[LINK_KEY_LEN]; /* the one this connection is authenticated by */
	uint8_t secret[LINK_SECRET_LEN];
};

struct link_verdict_body {
	uint8_t code;		  /* enum link_verdict */
	char text[LINK_TEXT_MAX]; /* for the node's log */
};

/* The union every reader switches over. */
struct link_frame {
	enum link_type type;
	union {
		struct link_hello hello;
		struct link_welcome welcome;
		struct link_status status;
		struct link_request request;
		struct link_result result;
		struct link_kernel kernel;
		struct link_attach attach;
		struct link_session session; /* DETACH, CREDIT, CURSOR */
		struct link_chunk chunk;     /* IN, OUT */
		struct link_refused refused;
		struct link_event event;
		uint64_t event_ack;
		struct link_enrol enrol;
		struct link_verdict_body verdict;
		uint64_t join_ack; /* the ticket's counter */
	} u;
};

/* Parses one whole frame into *ret_frame. */
int link_frame_unpack(const uint8_t *buf, size_t len, struct link_frame *ret_frame);

/* Writes the frame to buf and its length to *ret_len. */
int link_frame_pack(const struct link_frame *frame, uint8_t *buf, size_t size, size_t *ret_len);

/*
 * Of what a relay sends: an OUT but for the bytes of the `data` that it ends with (who sends those
 * from where they are, behind this, has sent what link_frame_pack() would have written), a CURSOR
 * or a REFUSED as it is. -EINVAL for any other: its bytes would be missing, or need not fit.
 */
int link_frame_pack_head(const struct link_frame *frame, uint8_t *buf, size_t size,
			 size_t *ret_len);

/* The length link_frame_pack() would write; 0 where it would fail. */
size_t link_frame_size(const struct link_frame *frame);

/* 1..LINK_NAME_MAX-1 bytes of [A-Za-z0-9._-], not beginning with '.' or '-'. */
bool link_identifier_ok(const char *text);

/* Valid UTF-8 without control characters (U+0000..001F, 007F..009F); may be empty. */
bool link_display_ok(const char *text);

/*
 * A policy a node can carry out: counts and values in range, prefixes without host bits, ports in
 * order and only with TCP or UDP. NULL, or what is wrong with it.
 */
const char *link_egress_problem(const struct link_egress *egress);

/* The same of all that a START asks for but its strings. */
const char *link_start_problem(const struct link_start *start);

/* Sixteen zeros, which are no kernel's: an event of the node itself, or a CUT of every kernel. */
bool link_id_is_none(const uint8_t id[LINK_ID_LEN]);

/* The keys of LINK_USAGE's lines, in their order; NULL behind the last. */
const char *link_usage_key(size_t i);

/* The type's name for logs; "?" where unknown. */
const char *link_type_name(enum link_type type);
const char *link_code_name(enum link_code code);

#endif
