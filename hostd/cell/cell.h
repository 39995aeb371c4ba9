/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell: where one kernel's processes live. Describe it whole (struct cell_spec), check it,
 * then execute it in one argued order (cell.c); one mechanism a file stands behind this.
 *
 * Used by the monitor alone, from one thread. Every function that fails leaves nothing
 * behind, returns -errno and fills *ret_error with the step ("cgroup: memory.max") and its
 * errno. Calls may change the caller's working directory to "/" (they enter mount namespaces).
 */
#ifndef ANCHORHOLD_CELL_H
#define ANCHORHOLD_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hostd/cell/egress.h"

#define CELL_ID_LEN 16u
#define CELL_NAME_MAX 64u
#define CELL_ARGS_MAX 32u
#define CELL_ENV_MAX 32u
#define CELL_SLOTS_MAX 4096u
#define CELL_STEP_MAX 96u
#define CELL_CONNECTION_MAX 4096u /* what a socket takes at once */

/* An argument that is this word becomes the path of the incarnation's connection file. */
#define CELL_CONNECTION_FILE "{connection_file}"

struct cell;
struct cell_host;

/* What a machine may be allowed to lack, by name. The image allows nothing. */
enum cell_lack { CELL_LACK_LANDLOCK = 1, CELL_LACK_CONTROLLERS = 2, CELL_LACK_COOKIES = 4 };

enum cell_network { CELL_NETWORK_SEALED, CELL_NETWORK_LOOPBACK, CELL_NETWORK_EGRESS };

struct cell_error {
	char step[CELL_STEP_MAX];
	int error; /* errno, positive */
};

struct cell_limits {
	uint64_t memory_bytes;
	uint32_t cpu_milli; /* 1000 = one CPU */
	uint32_t pids_max;
	uint64_t tmpfs_bytes; /* ceiling of /tmp and of the home, each */
	uint32_t cpu_weight;  /* 1..10000 among cells that want a CPU; 0: the kernel's 100 */
	uint32_t io_kibps;    /* of the disk, reading and writing each; 0: no ceiling */
	uint32_t io_iops;     /* operations a second, the same */
};

/* What is to be built. Pointers are borrowed until cell_new or cell_spawn returns. */
struct cell_spec {
	uint8_t id[CELL_ID_LEN];
	char project[CELL_NAME_MAX];
	struct cell_limits limits;
	enum cell_network network;
	const struct egress_policy *egress; /* of CELL_NETWORK_EGRESS alone */
	const char *profile; /* seccomp profile: a file name in hostd/policy */
	int environment_fd;  /* O_PATH root of the mounted environment */
	int workspace_fd;    /* O_PATH directory that becomes /work; 0 or less: none */
	bool workspace_write, workspace_exec;
	const char *argv[CELL_ARGS_MAX + 1]; /* the kernel's, NULL-terminated */
	const char *env[CELL_ENV_MAX + 1];   /* NAME=VALUE, NULL-terminated */
};

/* What spawning needs anew each time. */
struct cell_connection {
	uint32_t incarnation;
	const char *json; /* the connection file's text; cell-init puts it there */
	size_t json_len;
	int output_fd; /* the kernel's stdout and stderr; 0 or less: /dev/null */
};

/*
 * What a cell has used since it was made, over all its incarnations, and what its limits did to
 * it. What cannot be read is 0.
 */
struct cell_usage {
	uint64_t cpu_usec;
	uint64_t throttled_usec;    /* summed over its CPUs */
	uint64_t throttled_periods; /* of CELL_CPU_PERIOD_MS: its CPU time was used up in these */
	uint64_t memory_bytes, memory_peak_bytes; /* now; ever */
	uint64_t memory_stall_usec; /* all its tasks at once waited for memory */
	uint64_t oom, oom_kills;    /* allocations that failed; processes killed for it */
	uint64_t pids;		    /* now */
	uint64_t pids_refused;
	uint64_t io_read_bytes, io_write_bytes, io_reads, io_writes;
	uint64_t io_stall_usec; /* some of its tasks waited for the disk */
};

#define CELL_CPU_PERIOD_MS 100u

enum cell_usage_part {
	CELL_USAGE_CPU = 1,
	CELL_USAGE_STALL = 2, /* of memory */
	CELL_USAGE_IO = 4,    /* stall included */
	CELL_USAGE_MEMORY = 8,
	CELL_USAGE_EVENTS = 16, /* oom, oom_kills, pids_refused */
	CELL_USAGE_PIDS = 32,
	CELL_USAGE_ALL = 63,
};

/* What a cell's limits tell of at once, by a descriptor. */
enum cell_notice { CELL_NOTICE_MEMORY, CELL_NOTICE_PIDS, CELL_NOTICES };

struct cell_exit {
	bool oom;    /* the cell was killed at its memory limit */
	int status;  /* wait status of the kernel's main process, as in waitpid(2) */
};

/*
 * What all cells of a node share: slots, compiled filters, and two mount namespaces, the
 * nursery that cells are cloned from and the keeper that holds what outlives a restart.
 * One a process, made before the first cell. It empties the process's supplementary groups,
 * and kills and removes every cell that an earlier monitor left in `cells_cgroup`, a directory
 * of a cgroup2 tree with cpu, memory and pids enabled below it (borrowed until it returns).
 * `lacking` is an or of enum cell_lack; anything else that is missing is an error.
 */
int cell_host_new(int cells_cgroup, unsigned lacking, struct cell_host **ret_host,
		  struct cell_error *ret_error);

/*
 * As cell_host_new, with the keeper of an earlier monitor (cell_host_keeper of it, borrowed): what
 * that one left stays as it is, the rules of the cells' way out included, until cell_host_settle.
 * Cells are adopted in between, after cell_host_egress.
 */
int cell_host_resume(int cells_cgroup, unsigned lacking, int keeper, struct cell_host **ret_host,
		     struct cell_error *ret_error);

/* Ends and removes whatever was left and belongs to no cell that was adopted. */
int cell_host_settle(struct cell_host *host, struct cell_error *ret_error);

/* The descriptor that the next monitor resumes with. Borrowed; -1: there is none. */
int cell_host_keeper(const struct cell_host *host);

/*
 * The disk that limits of io are for, and io is counted on: the one that this directory is on.
 * Without it, or where that is no disk (-ENODEV), a cell with such a limit is refused.
 */
int cell_host_disk(struct cell_host *host, const char *directory);

/*
 * The data disk, by a directory on it that stays open as long as the host: no uid is handed out
 * that owns a file there. -ESRCH where its file system does not account for its users.
 */
int cell_host_files(struct cell_host *host, int disk, struct cell_error *ret_error);

/* After the last cell was freed. */
void cell_host_free(struct cell_host *host);

/*
 * The way out of the node for cells with an egress policy, which are refused without this call.
 * cut: the kill switch is on from the first. cell_host_cut turns it, for every cell.
 */
int cell_host_egress(struct cell_host *host, const struct egress_node *node, bool cut,
		     struct cell_error *ret_error);
int cell_host_cut(struct cell_host *host, bool cut, struct cell_error *ret_error);

/* As egress_read: what is counted of every cell, by its slot. */
int cell_host_traffic(struct cell_host *host, struct egress_traffic *by_slot, size_t slots);

/* Everything in the spec is in range and names what exists. */
int cell_check(const struct cell_spec *spec, struct cell_error *ret_error);

/*
 * What stays over restarts: the slot and its uids, the cgroups, the tmpfs of home, /tmp and
 * the sockets. The cell copies what it needs of the spec.
 */
int cell_new(struct cell_host *host, const struct cell_spec *spec, struct cell **ret_cell,
	     struct cell_error *ret_error);

/*
 * Ahead of any request (cell_ahead.c): the cell's first incarnation as far as it goes without a
 * connection file. Its PID 1 waits behind all of the cell's walls, and cell_spawn lets it go on.
 * No other incarnation, and no output but /dev/null, can be had of it before that.
 */
int cell_prepare(struct cell *cell, struct cell_error *ret_error);

/*
 * Whether a cell that was made, or prepared, ahead is what spec describes: the same project's, the
 * same in everything but its id and the limits that its cgroup can still be given.
 */
bool cell_fits(const struct cell *cell, const struct cell_spec *spec);

/* Those limits. What its making took counts as its owner's, as that of every cell does. */
int cell_assign(struct cell *cell, const struct cell_limits *limits, struct cell_error *ret_error);

/*
 * Starts the kernel's processes in it and returns when cell-init was executed. At most one
 * incarnation runs at a time (-EBUSY until cell_reap).
 */
int cell_spawn(struct cell *cell, const struct cell_connection *connection,
	       struct cell_error *ret_error);

/*
 * What another monitor needs beside the spec to go on with a cell (cell_adopt.c): plain data, and
 * two descriptors.
 */
struct cell_note {
	uint32_t slot;
	uint64_t oom_kills;
	uint8_t egress_rules, egress_cut;
};

/* ret_fds: pidfd and exit pipe of what runs, borrowed; -1 where nothing does. */
void cell_write_note(const struct cell *cell, struct cell_note *ret_note, int ret_fds[2]);

/*
 * The cell of the note, as it is now: its processes and what it keeps are looked for, the limits of
 * the spec hold already. Takes the descriptors (-1, -1: nothing ran); a pidfd that is of no process
 * of this cell is refused. -errno: it cannot be had, and cell_host_settle ends it.
 */
int cell_adopt(struct cell_host *host, const struct cell_spec *spec, const struct cell_note *note,
	       int fds[2], struct cell **ret_cell, struct cell_error *ret_error);

/* Of two monitors' relays only one may be there: kills all in its cgroup but the one of this pidfd
 * (-1: all). */
int cell_clear_relays(const struct cell *cell, int pidfd, struct cell_error *ret_error);

/*
 * For the relay: a detached mount (move_mount(2)) of the sockets' tmpfs, a fresh descriptor the
 * caller owns; the uid and gid that the directory's ACL lets in; its cgroup's directory.
 */
int cell_sockets_mount(const struct cell *cell, int *ret_fd, struct cell_error *ret_error);
uid_t cell_relay_uid(const struct cell *cell);
int cell_relay_cgroup(const struct cell *cell); /* borrowed O_PATH|O_DIRECTORY descriptor */

/* What names the cell's part of anything that the node keeps a table of. */
unsigned cell_slot(const struct cell *cell);

/*
 * Changes the policy from now on, for connections that are open too. Only between loopback and
 * egress: a sealed cell's filter knows no network, and cannot be had back. -EOPNOTSUPP then.
 */
int cell_set_network(struct cell *cell, enum cell_network network,
		     const struct egress_policy *policy, struct cell_error *ret_error);

/* This cell's kill switch: beats its policy until it is lifted, over restarts too. */
int cell_cut(struct cell *cell, bool cut, struct cell_error *ret_error);

/* Becomes readable when the cell's PID 1 has exited; -1 while nothing runs. Borrowed. */
int cell_pidfd(const struct cell *cell);

/* After the pidfd became readable: reaps and tells how it ended. */
int cell_reap(struct cell *cell, struct cell_exit *ret_exit);

/*
 * What it has used. Only the asked parts are read (an or of enum cell_usage_part: it is asked of
 * every cell, every second); the rest is 0.
 */
void cell_usage(struct cell *cell, unsigned parts, struct cell_usage *ret_usage);

/* The uid that every process in it has, seen from outside. */
uid_t cell_uid(const struct cell *cell);

/*
 * A descriptor, the caller's to close, that has EPOLLPRI when the limit refused or killed since
 * cell_notice_clear. -errno.
 */
int cell_notice_open(const struct cell *cell, enum cell_notice notice);
void cell_notice_clear(int notice_fd);

int cell_interrupt(struct cell *cell); /* SIGINT to the kernel's main process, through cell-init */
int cell_kill(struct cell *cell);      /* every process of the incarnation, at once */

/*
 * All of cell_free that does not wait for its relay, to be taken while that still ends. What fails
 * is told by cell_free, and nothing else can be done with the cell.
 */
void cell_close(struct cell *cell);

/*
 * Kills, waits (bounded) and removes everything. Returns -EBUSY where something of the cell
 * is left: the slot is then never used again, and the caller reports it. Frees in any case.
 */
int cell_free(struct cell *cell, struct cell_error *ret_error);

#endif

