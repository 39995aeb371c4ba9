/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: privileged, alone to start processes, touches no byte of the network or of a
 * kernel. This header is what its own files share; nothing else includes it.
 *
 *	monitor.c	   the loop, status, signals
 *	monitor_link.c	   the link worker
 *	monitor_events.c   what an operator should know
 *	monitor_crash.c	   what the kernel said as it crashed
 *	monitor_refused.c  what was refused of the gateways
 *	monitor_start.c    a kernel's start
 *	monitor_ahead.c	   cells and relays that are made before anybody asks
 *	monitor_kernel.c   its life: restart, stop, death
 *	monitor_dead.c	   dead kernels whose output waits for readers; how those ended that are gone
 *	monitor_relay.c	   a kernel's relay: start, loss, stream
 *	monitor_limits.c   its limits, in words and numbers
 *	monitor_watch.c	   when they bite: refusals, and the look at all others
 *	monitor_held.c	   those that hold it back
 *	monitor_ends.c	   those that end it
 *	monitor_denied.c   which system calls it was refused
 *	monitor_usage.c	   what it has used
 *	monitor_workspace.c the project's workspace, its own copy of an environment
 *	monitor_network.c  what it may reach
 *	monitor_request.c  what the link may ask
 *	monitor_identity.c the node's keys and tickets, for the link
 *	adopt.h		   what the next monitor finds of it
 */
#ifndef ANCHORHOLD_HOSTD_MONITOR_H
#define ANCHORHOLD_HOSTD_MONITOR_H

#include "conf/node.h"
#include "hostd/cell/cell.h"
#include "hostd/deaths.h"
#include "hostd/denials.h"
#include "hostd/edge.h"
#include "hostd/environment.h"
#include "hostd/event.h"
#include "hostd/identity.h"
#include "hostd/ipc.h"
#include "hostd/loop.h"
#include "hostd/refused.h"
#include "hostd/state.h"
#include "hostd/store.h"
#include "hostd/strict.h"
#include "hostd/worker.h"
#include "hostd/workspace.h"
#include "link/jupyter.h"

#define MONITOR_READY_MS 120000u   /* a kernel that is not ready by then is dead */
#define MONITOR_GRACE_MS 5000u	   /* between shutdown_request and the kill */
#define MONITOR_RELAY_END_MS 65000u /* a dead kernel's relay lingers at most so long, */
#define MONITOR_DEAD_MAX 16u	   /* and so many of those whose readers had time do */
#define MONITOR_TICK_MS 500u	   /* cells are looked at, while one works; else */
#define MONITOR_TICK_IDLE_MS 1000u /* so often; not at all where there is none */
#define MONITOR_RELAYS_LOST_MAX 3u /* within MONITOR_RELAYS_LOST_MS: the kernel is given up */
#define MONITOR_RELAYS_LOST_MS 60000u

/*
 * Where things are; the image's in monitor_paths_node. It is the image's that lacks nothing and has
 * every environment signed: only a developer's program has another (hostd/plain).
 */
struct monitor_paths {
	const char *program; /* our own binary */
	const char *conf;
	const char *key;
	const char *promises;
	const char *timeline; /* when the link was first up is noted there; NULL: nowhere */
	const char *events; /* the folder of their journal; NULL: it is in memory */
	const char *pstore; /* where the kernel left its last words; NULL: nowhere */
	const char *log;
	const char *log_old;
	const char *environments;
	const char *mounts; /* they are mounted below it */
	int (*open_environments)(const char *folder, const char *key_file, const char *mounts,
				 struct environments *ret_list);
	const char *workspaces; /* NULL: none */
	bool audit; /* refused system calls are read and told */
	const char *egress;	/* there once init has the cells' way out up; NULL: not asked */
	const char *cut;	/* there while the kill switch is on; NULL: not kept */
	const char *release_key;
	const char *version;
	const char *build_id;
	const char *cgroups; /* with init/ hostd/ cells/ below */
	unsigned lacking;    /* for cell_host_new */
	const char *lacks;   /* what this machine does without, for the gateways; NULL: nothing */
};

/* For events and logs. */
#define MIB(bytes) ((unsigned long long)((bytes) >> 20))

#define MONITOR_AHEAD_MAX 32u
#define MONITOR_AHEAD_MS 1000u /* after a start: the kernel itself comes first */

enum kernel_goal { GOAL_RUN, GOAL_RESTART, GOAL_STOP };

/* What is known of a kernel's use of its limits (monitor_watch.c). */
struct watch {
	int notices[CELL_NOTICES]; /* -1: none */
	bool quiet[CELL_NOTICES];  /* told a moment ago: heard again at the next tick */
	struct watch_record known;
	struct edge_window throttled, stalled, io_stalled, io_bytes[2], io_count[2];
	struct loop_timer grace; /* of an execution that was interrupted at its deadline */
};

/* A RESULT that is owed to a gateway. */
struct owed {
	bool set;
	uint32_t gateway;
	uint64_t id;
};

/* What was seen of its traffic. */
struct kernel_traffic {
	struct egress_traffic seen;
	uint64_t seen_ms, held_ms; /* held_ms: how long its rate held it back, in all */
	struct edge_window window; /* of held_ms */
	struct edge rate, quota, refused;
};

/* Of a gateway, for one reason. */
struct monitor_refused {
	struct refused refused;
	bool next_key; /* the one it was last tried by */
};

/* Under which names init keeps its descriptors; 0: none. */
struct kernel_kept {
	uint32_t incarnation;
	uint32_t generation; /* and one more */
};

struct kernel {
	struct monitor *monitor;
	uint32_t place; /* in the monitor's table */
	bool touched;	/* since it was noted (adopt.h) */
	struct kernel_kept kept;
	uint8_t id[LINK_ID_LEN];
	char project[LINK_NAME_MAX];
	struct link_start limits;
	const struct environment *environment;
	struct cell *cell;
	struct workspace workspace;
	struct strict *strict; /* NULL: the environment as all have it */
	struct jupyter_key key; /* of this incarnation */
	uint32_t incarnation;
	enum link_kernel_state state;
	enum kernel_goal goal;
	enum link_reason reason; /* why it is being killed; of the end once it is dead */
	int32_t status;
	bool published; /* its death was told */
	bool ahead;	/* nobody's yet: its cell and its relay wait */
	struct owed owed;

	struct worker *relay; /* NULL: none runs */
	uint32_t generation;
	bool proven; /* this incarnation was ready once */
	bool incarnation_skip; /* the next number may be used already, by nobody */
	uint64_t lost_since_ms;
	unsigned lost_count;

	bool watched; /* it has, or had, a way out */
	struct kernel_traffic traffic;

	struct loop_timer timer; /* ready, grace or relay-end deadline: one is on at a time */
	struct watch watch;
	struct denials denials;
	uint64_t started_ms;
};

struct monitor {
	const struct monitor_paths *paths;
	struct loop *loop;
	struct node_conf conf;
	struct ipc_node node; /* what HELLO says */
	struct environments environments;
	struct workspaces workspaces;
	struct stricts stricts;
	struct cell_host *cells;
	int cells_fd;	/* cgroup directories */
	int link_cgroup;
	int link_filter, relay_filter; /* compiled lists of calls */
	bool refusing;
	struct event_journal events;
	uint64_t events_sent; /* the newest that the link has */
	uint32_t events_told; /* how many it got since it had none to send */
	struct loop_timer events_timer; /* set while something is not on the disk */
	struct monitor_refused refused[IPC_GATEWAYS_MAX][IPC_REFUSALS];

	struct identity identity;
	char pins[2][IPC_KEY_LEN + 1]; /* the gateways' keys: current; next or "" */
	uint64_t ticket;	       /* the number of the last one kept */

	struct worker *link;
	bool reached; /* a gateway, once since the boot */
	uint32_t gateways_up; /* a bit for each that is reached */
	struct loop_timer link_timer;
	uint32_t link_delay_ms;

	struct kernel *kernels[LINK_KERNELS_MAX]; /* NULL: free */
	uint32_t kernels_count;

	struct store store; /* what init keeps for the next monitor */
	struct state state;
	struct deaths deaths;
	bool touched; /* a kernel is */
	struct loop_timer stable_timer;

	bool cut; /* the kill switch */
	struct egress_traffic *traffic; /* by slot; NULL: no cell has a way out */
	struct loop_timer network_timer;

	int audit_fd; /* -1: refused calls are not told */
	struct loop_timer watch_timer; /* set while there are kernels */
	struct kernel *ahead[MONITOR_AHEAD_MAX]; /* the oldest first; NULL: free */
	struct kernel *ahead_model; /* the next is to be like this one; a description, no cell */
	struct loop_timer ahead_timer;

	struct loop_timer status_timer;
	int signal_fd;
	bool stopping;
	struct ipc_message message; /* every worker's receive buffer */
};

extern const struct monitor_paths monitor_paths_node;

/* Runs until SIGTERM. Returns the process's exit code. */
int monitor_run(const struct monitor_paths *paths);

/* ---- monitor.c ---- */

/* To the link, where there is one. */
void monitor_tell(struct monitor *monitor, enum ipc_type type, const void *body, int fd);

/* ---- monitor_link.c ---- */

/* And again whenever it ends, until the monitor stops. */
void link_worker_start(struct monitor *monitor);

/* It has lived so long that it is in no crash loop. */
void link_worker_steady(struct monitor *monitor);

/* ---- monitor_events.c ---- */

__attribute__((format(printf, 4, 5))) void monitor_event(struct monitor *monitor,
							 const struct kernel *kernel,
							 const char *kind, const char *format,
							 ...);

/* The node's own, of a time that is past (0: now). */
void monitor_event_at(struct monitor *monitor, uint64_t time_ms, const char *kind,
		      const char *text);

/* Once the node knows its boot id, before the first of them. */
void events_start(struct monitor *monitor);
void events_stop(struct monitor *monitor);

/* A new link, which has none. */
void events_brief(struct monitor *monitor);
void events_acked(struct monitor *monitor, uint64_t seq);

/* ---- monitor_crash.c ---- */

/* What the kernel left when it last crashed is told, and forgotten there. */
void crash_start(struct monitor *monitor);

/* ---- monitor_refused.c ---- */

/* What the link counted; told now, where it is due. */
void refused_note(struct monitor *monitor, const struct ipc_refused *refused);
void refused_tell(struct monitor *monitor);

/* ---- monitor_kernel.c ---- */

struct kernel *kernel_find(struct monitor *monitor, const uint8_t id[LINK_ID_LEN]);

/* Both answer owed later; LINK_OK, LINK_E_BUSY or LINK_E_DEAD (answered by the caller). */
enum link_code kernel_restart(struct kernel *kernel, const struct owed *owed);
enum link_code kernel_stop(struct kernel *kernel, const struct owed *owed);
enum link_code kernel_interrupt(struct kernel *kernel);

/* It has to end now, for this reason. */
void kernel_kill(struct kernel *kernel, enum link_reason reason);

void kernel_ready(struct kernel *kernel);
void kernel_publish(struct kernel *kernel);

/* Its death is told now, whatever of its output is under way. */
void kernel_publish_death(struct kernel *kernel);

/* It is dead and its relay gone: removes all of it. */
void kernel_remove(struct kernel *kernel);
void kernel_answer(struct kernel *kernel, enum link_code code, int error, const char *text);

/* Adopted, and everything that was left is settled: its timers and watches, and what has happened
 * to it meanwhile. */
void kernel_go_on(struct kernel *kernel, const struct state_record *record);

/* Frees it, its relay and its cell, whatever it was doing. */
void kernel_forget(struct kernel *kernel);

/* The loop's handler of its process's end. */
void kernel_ended(void *ctx, uint32_t events);

/* ---- monitor_start.c ---- */

/* LINK_OK, or why not, with the failed step. */
enum link_code kernel_start(struct monitor *monitor, const uint8_t id[LINK_ID_LEN],
			    const struct link_start *start, struct cell_error *ret_error);

/* A kernel object, in no table yet; NULL without memory. */
struct kernel *kernel_new(struct monitor *monitor, const uint8_t id[LINK_ID_LEN],
			  const struct link_start *start, const struct environment *environment);

/* What its cell is to be. The kernel then holds its workspace and its strict environment. */
int kernel_describe(struct kernel *kernel, struct egress_policy *egress, struct cell_spec *spec,
		    struct cell_error *ret_error);

/* It is dead if it is not ready by then. */
void kernel_await(struct kernel *kernel, uint64_t delay_ms);

/* One process of the kernel, with a key of its own. */
int kernel_spawn(struct kernel *kernel, struct cell_error *ret_error);

/* ---- monitor_ahead.c ---- */

/* A cell and a relay that were made for this description are the kernel's from now on. */
bool ahead_take(struct kernel *kernel, const struct cell_spec *spec);

/* Soon, one more like this kernel's is made, where node.conf wants any. */
void ahead_like(const struct kernel *kernel);

/* Its relay or its PID 1 ended. */
void ahead_lost(struct kernel *kernel);

/* All of them go: memory is short, or the monitor ends. */
void ahead_drop(struct monitor *monitor);

/* ---- monitor_dead.c ---- */

/* Of the dead kernels that only wait for readers no more than so many are left; the oldest go. */
void dead_limit(struct monitor *monitor, unsigned max);

/* One goes, where there is one: a start wants its room. */
void dead_make_room(struct monitor *monitor);

/* With the store: what the last monitor noted of those that are gone. */
void dead_open(struct monitor *monitor);

/* What a kernel is now, as gateways are told it: noted, if it is dead. */
void dead_note(struct monitor *monitor, const struct ipc_kernel *kernel);

/* A new link is told of those that are gone. */
void dead_brief(struct monitor *monitor);

/* ---- monitor_limits.c ---- */

/* What is asked, made complete by the defaults and cut to what the node has. */
void limits_fill(const struct monitor *monitor, struct link_start *limits);
void limits_cell(const struct link_start *limits, struct cell_limits *ret_limits);

/* Why it is being or was ended, as its user is told; "" where no limit did. */
void limits_sentence(const struct kernel *kernel, char *ret_text, size_t size);

/* ---- monitor_watch.c ---- */

/* After its cell was made, and before that is freed. */
void watch_start(struct kernel *kernel);
void watch_stop(struct kernel *kernel);

/* The same for a kernel that was watched before: what was noted of it stays. */
void watch_resume(struct kernel *kernel, uint64_t grace_ms);

/* Its incarnation is gone: what it was executing is no longer under a deadline. */
void watch_incarnation(struct kernel *kernel);

/* ---- monitor_held.c: given what was used until now ---- */

void held_cpu(struct kernel *kernel, const struct cell_usage *usage, uint64_t now);
void held_io(struct kernel *kernel, const struct cell_usage *usage, uint64_t now);
void held_workspace(struct kernel *kernel, uint64_t now);
void watch_output(struct kernel *kernel, uint64_t held_ms); /* what its relay tells */

/* ---- monitor_ends.c ---- */

void ends_wall(struct kernel *kernel, uint64_t now);
void ends_stalled(struct kernel *kernel, const struct cell_usage *seen, uint64_t now);
void ends_idle(struct kernel *kernel, uint64_t used_usec, uint64_t now);

/* It was killed at its memory limit. */
void watch_killed(struct kernel *kernel);

/* An interrupted execution has until then. */
void watch_grace(struct kernel *kernel, uint64_t delay_ms);

/* What its relay tells: an execution is over its deadline, or has ended after it. */
void watch_execution(struct kernel *kernel, bool ended);

/* ---- monitor_denied.c ---- */

void denied_start(struct monitor *monitor);
void denied_stop(struct monitor *monitor);

/* What of the kernel's refused calls is due. */
void denied_tell(struct kernel *kernel, uint64_t now);

/* ---- monitor_usage.c ---- */

/* Lines "key value", as LINK_USAGE gives them. Returns their length. */
size_t usage_text(const struct kernel *kernel, char *ret_text, size_t size);

/* ---- monitor_workspace.c ---- */

void workspaces_start(struct monitor *monitor);

/* Both open what the kernel asked for, if it did, and describe it in the spec. */
int kernel_environment(struct kernel *kernel, struct cell_spec *spec,
		       struct cell_error *ret_error);
int kernel_workspace(struct kernel *kernel, struct cell_spec *spec, struct cell_error *ret_error);

/* ---- monitor_network.c ---- */

/* After the cells' host was made: the way out that node.conf names, and the kill switch. */
void network_start(struct monitor *monitor);

/* Describes what the kernel asked for in the spec, which borrows *ret_policy. */
int kernel_network(struct kernel *kernel, struct egress_policy *ret_policy, struct cell_spec *spec,
		   struct cell_error *ret_error);

/* All three: LINK_OK, or why not, with a text. */
enum link_code kernel_set_network(struct kernel *kernel, const struct link_start *asked,
				  struct cell_error *ret_error);
enum link_code kernel_cut(struct kernel *kernel, bool on, struct cell_error *ret_error);
enum link_code network_cut(struct monitor *monitor, bool on, struct cell_error *ret_error);

/* What its cell has sent and received; zeros where it never had a way out. */
int network_traffic(const struct kernel *kernel, struct egress_traffic *ret_traffic);

/* Looks at its counters from now on, for events, if it has a way out. */
void network_watch(struct kernel *kernel);

/* ---- monitor_relay.c ---- */

int relay_start(struct kernel *kernel); /* one that waits already is told whose it is */
int relay_make(struct kernel *kernel);	/* it waits to be told */
void relay_order(struct kernel *kernel, enum ipc_order order);
void relay_tell(struct kernel *kernel, const char *text); /* to who executes */
int relay_adopt(struct kernel *kernel, int fds[WORKER_FDS], enum worker_phase phase);
void relay_lost(struct kernel *kernel); /* its process is gone: another, or the kernel's end */
int relay_connect(struct kernel *kernel); /* a new stream between it and the link */

/* ---- monitor_identity.c ---- */

/* The node's key, which is made at first boot, and its fingerprint for the console. */
int identity_start(struct monitor *monitor);

/* What a link must know to dial. It holds secrets: the caller wipes it. */
int identity_setup(struct monitor *monitor, struct ipc_link_setup *ret_setup);

/* A join's ticket, and what came with it, is kept and that is answered. */
void identity_join(struct monitor *monitor, const struct ipc_ticket *joined);

/* LINK_ROTATE: LINK_OK, at stage 1 with the new public key in ret_text. */
enum link_code identity_rotate(struct monitor *monitor, uint8_t stage,
			       char ret_text[IPC_KEY_LEN + 1], struct cell_error *ret_error);

/* ---- monitor_request.c ---- */

int monitor_message(void *owner, struct worker *worker, struct ipc_message *message);

#endif
