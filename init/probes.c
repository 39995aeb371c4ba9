/* SPDX-License-Identifier: Apache-2.0 */
#include "init/probes.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/value.h"
#include "init/files.h"
#include "init/sysctl.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* musl 1.2.5 does not name it for every architecture; the number is the same on all. */
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

/* Nor core scheduling; the kernel's numbers. */
#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62
#endif
#define SCHED_CORE_GET 0
#define SCHED_CORE_THREAD 0

struct name {
	const char *name;
	long value;
};

/* A call that this architecture never had is as absent as one can be: number -1. */
static const struct name syscalls[] = {
	{"add_key", SYS_add_key},	    {"bpf", SYS_bpf},
	{"fanotify_init", SYS_fanotify_init}, {"finit_module", SYS_finit_module},
	{"init_module", SYS_init_module},   {"io_setup", SYS_io_setup},
	{"io_uring_setup", SYS_io_uring_setup}, {"kcmp", SYS_kcmp},
	{"kexec_file_load", SYS_kexec_file_load}, {"kexec_load", SYS_kexec_load},
	{"keyctl", SYS_keyctl},		    {"memfd_secret", SYS_memfd_secret},
	{"mq_open", SYS_mq_open},	    {"perf_event_open", SYS_perf_event_open},
	{"request_key", SYS_request_key},   {"rseq", SYS_rseq},
	{"swapon", SYS_swapon},		    {"userfaultfd", SYS_userfaultfd},
#ifdef SYS_iopl
	{"ioperm", SYS_ioperm},		    {"iopl", SYS_iopl},
	{"modify_ldt", SYS_modify_ldt},
#else
	{"ioperm", -1}, {"iopl", -1}, {"modify_ldt", -1},
#endif
};

static const struct name domains[] = {
	{"AF_ALG", AF_ALG},   {"AF_BLUETOOTH", AF_BLUETOOTH}, {"AF_CAN", AF_CAN},
	{"AF_INET6", AF_INET6}, {"AF_KEY", AF_KEY},	      {"AF_PACKET", AF_PACKET},
	{"AF_RXRPC", AF_RXRPC}, {"AF_TIPC", AF_TIPC},	      {"AF_VSOCK", AF_VSOCK},
	{"AF_X25", AF_X25},   {"AF_XDP", AF_XDP},
};

static const struct name errors[] = {
	{"EACCES", EACCES}, {"EAFNOSUPPORT", EAFNOSUPPORT}, {"EPERM", EPERM},
};

static const struct name *find_name(const struct name *names, size_t len, const char *name)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(names[i].name, name) == 0)
			return &names[i];
	return NULL;
}

static int refuse(char why[PROBE_WHY_MAX], int code, const char *what, const char *detail)
{
	snprintf(why, PROBE_WHY_MAX, "%s: %s", what, detail);
	return code;
}

/* Reads the first bytes of a file; what is longer is cut off. */
static int read_head(const char *path, char *ret_text, size_t size, char why[PROBE_WHY_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : read(fd, ret_text, size - 1);
	int err = n < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	if (err)
		return refuse(why, err, path, strerror(-err));
	ret_text[n] = '\0';
	return 0;
}

static int probe_sysctl(char *const *args, size_t len, char why[PROBE_WHY_MAX])
{
	char path[SYSCTL_PATH_MAX], text[256], *words[PROBE_WORDS_MAX + 1];
	size_t count;
	int err;

	if (sysctl_path(args[0], path))
		return refuse(why, -EINVAL, "not a sysctl", args[0]);
	err = read_head(path, text, sizeof(text), why);
	if (err)
		return err;
	text[strcspn(text, "\n")] = '\0';
	count = line_words(text, words, LENGTH(words));
	for (size_t i = 0; i + 1 < len || i < count; i++)
		if (i + 1 >= len || i >= count || strcmp(words[i], args[i + 1]) != 0)
			return refuse(why, -EPERM, "the value is", i < count ? words[i] : "short");
	return 0;
}

static int probe_file(char *const *args, size_t len, char why[PROBE_WHY_MAX])
{
	char text[4096 + 1];
	int err = read_head(args[0], text, sizeof(text), why);

	(void)len;
	if (err)
		return err;
	return strstr(text, args[1]) ? 0 : refuse(why, -EPERM, args[0], "without it");
}

static int probe_absent(char *const *args, size_t len, char why[PROBE_WHY_MAX])
{
	struct stat st;

	(void)len;
	if (lstat(args[0], &st) < 0)
		return errno == ENOENT ? 0 : refuse(why, -errno, args[0], strerror(errno));
	return refuse(why, -EPERM, args[0], "exists");
}

/*
 * The arguments are impossible for every call listed: where the call is there, it fails for
 * another reason than ENOSYS and has done nothing.
 */
static int probe_enosys(char *const *args, size_t len, char why[PROBE_WHY_MAX])
{
	const struct name *call = find_name(syscalls, LENGTH(syscalls), args[0]);

	(void)len;
	if (!call)
		return refuse(why, -EINVAL, "unknown system call", args[0]);
	if (syscall(call->value, -1L, -1L, -1L, -1L, -1L, -1L) < 0 && errno == ENOSYS)
		return 0;
	return refuse(why, -EPERM, args[0], "is there");
}

static int probe_landlock(char *const *args, size_t len, char why[PROBE_WHY_MAX])
{
	char text[24];
	uint32_t wanted;
	long abi;

	(void)len;
	if (value_u32(args[0], 1, 1000, &wanted))
		return refuse(why, -EINVAL, "not an ABI", args[0]);
	abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 0)
		return refuse(why, -errno, "landlock", strerror(errno));
	snprintf(text, sizeof(text), "%ld", abi);
	return abi >= (long)wanted ? 0 : refuse(why, -EPERM, "the ABI is", text);
}

static int probe_socket(char *const *args, size_t len, char why[PROBE_WHY_MAX])
{
	static const int types[] = {SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW};
	const struct name *domain = find_name(domains, LENGTH(domains), args[0]);
	const struct name *wanted = find_name(errors, LENGTH(errors), args[1]);

	(void)len;
	if (!domain || !wanted)
		return refuse(why, -EINVAL, "unknown name", domain ? args[1] : args[0]);
	for (size_t i = 0; i < LENGTH(types); i++) {
		int fd = socket((int)domain->value, types[i] | SOCK_CLOEXEC, 0);

		if (fd < 0 && errno == wanted->value)
			continue;
		if (fd < 0)
			return refuse(why, -EPERM, args[0], strerror(errno));
		close(fd);
		return refuse(why, -EPERM, args[0], "was made");
	}
	return 0;
}

static bool has_word(char *text, const char *separators, const char *word)
{
	char *rest = NULL;

	for (char *w = strtok_r(text, separators, &rest); w; w = strtok_r(NULL, separators, &rest))
		if (strcmp(w, word) == 0)
			return true;
	return false;
}

static int probe_cmdline(char *const *args, size_t len, char why[PROBE_WHY_MAX])
{
	char text[4096];
	int err = read_head("/proc/cmdline", text, sizeof(text), why);

	if (err)
		return err;
	for (size_t i = 0; i < len; i++) {
		char copy[4096];

		memcpy(copy, text, sizeof(copy));
		if (has_word(copy, " \n", args[i]))
			return 0;
	}
	return refuse(why, -EPERM, args[0], "not given");
}

/* No two hardware threads share a core; or the board says that it keeps them, and the kernel can
 * tell cells apart on them, as hostd then does. */
static int probe_smt(char *const *args, size_t len, char why[PROBE_WHY_MAX])
{
	char active[8] = "", text[4096];
	uint64_t cookie;
	int err = read_head("/sys/devices/system/cpu/smt/active", active, sizeof(active), why);

	(void)args, (void)len;
	if (err || active[0] == '0')
		return err;
	err = read_head("/proc/cmdline", text, sizeof(text), why);
	if (err)
		return err;
	if (!has_word(text, " \n", "anchorhold.smt=cookies"))
		return refuse(why, -EPERM, "hardware threads", "share cores");
	if (prctl(PR_SCHED_CORE, SCHED_CORE_GET, 0, SCHED_CORE_THREAD, &cookie) < 0)
		return refuse(why, -errno, "core scheduling", strerror(errno));
	return 0;
}

static int probe_controllers(char *const *args, size_t len, char why[PROBE_WHY_MAX])
{
	char all[256], copy[256], *rest = NULL;
	int err = read_head("/sys/fs/cgroup/cgroup.controllers", all, sizeof(all), why);

	(void)len;
	if (err)
		return err;
	for (char *c = strtok_r(args[0], ",", &rest); c; c = strtok_r(NULL, ",", &rest)) {
		memcpy(copy, all, sizeof(copy));
		if (!has_word(copy, " \n", c))
			return refuse(why, -EPERM, "no controller", c);
	}
	return 0;
}

/* The one target of the device that / lives on, as device mapper tells it. */
static int root_target(char ret_type[DM_MAX_TYPE_NAME], char *ret_status, char why[PROBE_WHY_MAX])
{
	struct {
		struct dm_ioctl head;
		struct dm_target_spec target;
		char status[256];
	} io = {.head = {.version = {DM_VERSION_MAJOR, 0, 0}, .data_size = sizeof(io),
			 .data_start = sizeof(io.head)}};
	struct stat st;
	int fd, err = 0;

	if (stat("/", &st) < 0)
		return refuse(why, -errno, "/", strerror(errno));
	io.head.dev = st.st_dev;
	fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, DM_TABLE_STATUS, &io) < 0)
		err = refuse(why, -errno, "the root's device", strerror(errno));
	if (fd >= 0)
		close(fd);
	if (!err && io.head.target_count != 1)
		err = refuse(why, -EPERM, "the root's device", "not one target");
	io.target.target_type[DM_MAX_TYPE_NAME - 1] = '\0';
	memcpy(ret_type, io.target.target_type, DM_MAX_TYPE_NAME);
	*ret_status = io.status[0];
	return err;
}

static int probe_rootverity(char *const *args, size_t len, char why[PROBE_WHY_MAX])
{
	char type[DM_MAX_TYPE_NAME], status = 0;
	struct statvfs fs;
	int err = root_target(type, &status, why);

	(void)args, (void)len;
	if (err)
		return err;
	if (strcmp(type, "verity") != 0)
		return refuse(why, -EPERM, "the root's target is", type);
	if (status != 'V') /* it says so once a block did not match */
		return refuse(why, -EPERM, "the root", "is corrupted");
	if (statvfs("/", &fs) < 0 || !(fs.f_flag & ST_RDONLY))
		return refuse(why, -EPERM, "the root", "is writable");
	return 0;
}

int probe_build_id(const char *notes, size_t len, char *ret_hex, size_t hex_size)
{
	Elf64_Nhdr note;

	while (len >= sizeof(note)) {
		size_t name, desc;

		memcpy(&note, notes, sizeof(note));
		name = ((size_t)note.n_namesz + 3) & ~(size_t)3;
		desc = ((size_t)note.n_descsz + 3) & ~(size_t)3;
		notes += sizeof(note);
		len -= sizeof(note);
		if (name > len || desc > len - name)
			break;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    memcmp(notes, "GNU", 4) == 0) {
			if (note.n_descsz == 0 || 2 * (size_t)note.n_descsz >= hex_size)
				break;
			for (size_t i = 0; i < note.n_descsz; i++)
				snprintf(ret_hex + 2 * i, 3, "%02x", (unsigned char)notes[name + i]);
			return 0;
		}
		notes += name + desc;
		len -= name + desc;
	}
	return -ENOENT;
}

static int probe_kernel(char *const *args, size_t len, char why[PROBE_WHY_MAX])
{
	char wanted[130], running[130], *notes;
	size_t notes_len;
	int err = read_head(args[0], wanted, sizeof(wanted), why);

	(void)len;
	if (err)
		return err;
	err = conf_read_file("/sys/kernel/notes", 65536, &notes, &notes_len);
	if (err)
		return refuse(why, err, "/sys/kernel/notes", strerror(-err));
	err = probe_build_id(notes, notes_len, running, sizeof(running));
	free(notes);
	if (err)
		return refuse(why, err, "/sys/kernel/notes", "no build id");
	wanted[strcspn(wanted, "\n")] = '\0';
	return strcmp(wanted, running) == 0 ? 0 : refuse(why, -EPERM, "the kernel is", running);
}

static const struct probe {
	const char *name;
	size_t min, max; /* arguments */
	int (*run)(char *const *args, size_t len, char why[PROBE_WHY_MAX]);
} probes[] = {
	{"sysctl", 2, PROBE_WORDS_MAX, probe_sysctl},
	{"file", 2, 2, probe_file},
	{"absent", 1, 1, probe_absent},
	{"enosys", 1, 1, probe_enosys},
	{"landlock", 1, 1, probe_landlock},
	{"socket", 2, 2, probe_socket},
	{"cmdline", 1, PROBE_WORDS_MAX, probe_cmdline},
	{"smt", 0, 0, probe_smt},
	{"controllers", 1, 1, probe_controllers},
	{"rootverity", 0, 0, probe_rootverity},
	{"kernel", 1, 1, probe_kernel}, /* the running kernel has the build id in this file */
};

int probe_run(const char *name, char *const *args, size_t args_len, char ret_why[PROBE_WHY_MAX])
{
	for (size_t i = 0; i < LENGTH(probes); i++) {
		if (strcmp(probes[i].name, name) != 0)
			continue;
		if (args_len < probes[i].min || args_len > probes[i].max)
			return refuse(ret_why, -EINVAL, name, "not its arguments");
		return probes[i].run(args, args_len, ret_why);
	}
	return refuse(ret_why, -EINVAL, "no such probe", name);
}
