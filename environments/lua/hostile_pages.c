/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every way that has been used to write to a file's cached pages without the right to: each is
 * tried on a file that may only be read. What each call says is handed back; whether the pages
 * are still what they were is for the test to see, from outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "environments/lua/hostile.h"
#include "environments/lua/hostile_pages.h"

#define RACES 3000
#define FICLONE_REQUEST 0x40049409ul
#define FLAGS_REQUEST 0x40086602ul

static const char byte[4096] = {'!'};

static long open_write(struct page_target *t)
{
	return open(t->path, O_RDWR | O_CLOEXEC);
}

static long open_truncate(struct page_target *t)
{
	return open(t->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
}

static long truncate_path(struct page_target *t)
{
	return truncate(t->path, 0);
}

static long truncate_fd(struct page_target *t)
{
	return ftruncate(t->fd, 0);
}

static long allocate(struct page_target *t)
{
	return syscall(SYS_fallocate, t->fd, 0, 0L, 4096L);
}

static long punch(struct page_target *t)
{
	return syscall(SYS_fallocate, t->fd, 3, 0L, 4096L);
}

static long write_fd(struct page_target *t)
{
	return write(t->fd, byte, 1);
}

static long vector_fd(struct page_target *t)
{
	struct iovec vector = {(void *)(uintptr_t)byte, 1};

	return writev(t->fd, &vector, 1);
}

static long change_mode(struct page_target *t)
{
#ifdef SYS_chmod
	return syscall(SYS_chmod, t->path, 0777);
#else /* newer machines have only the call that takes a directory */
	return syscall(SYS_fchmodat, AT_FDCWD, t->path, 0777);
#endif
}

static long change_mode_fd(struct page_target *t)
{
	return syscall(SYS_fchmod, t->fd, 0777);
}

static long change_times(struct page_target *t)
{
	return syscall(SYS_utimensat, AT_FDCWD, t->path, NULL, 0);
}

static long change_attribute(struct page_target *t)
{
	return setxattr(t->path, "user.x", byte, 1, 0);
}

static long change_flags(struct page_target *t)
{
	int none = 0;

	return ioctl(t->fd, (int)FLAGS_REQUEST, &none);
}

static long clone_into(struct page_target *t)
{
	return ioctl(t->fd, (int)FICLONE_REQUEST, t->fd);
}

static long remove_name(struct page_target *t)
{
	return unlink(t->path);
}

static long rename_over(struct page_target *t)
{
	return rename("/home/user", t->path);
}

static long link_out(struct page_target *t)
{
#ifdef SYS_link
	return syscall(SYS_link, t->path, "/home/user/linked");
#else
	return syscall(SYS_linkat, AT_FDCWD, t->path, AT_FDCWD, "/home/user/linked", 0);
#endif
}

static long map_shared(struct page_target *t)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);

	return at == MAP_FAILED ? -1 : 0;
}

static long protect_shared(struct page_target *t)
{
	return mprotect(t->shared, 4096, PROT_READ | PROT_WRITE);
}

static long grow_shared(struct page_target *t)
{
	void *at = mremap(t->shared, 0, 4096, MREMAP_MAYMOVE);

	return at == MAP_FAILED ? -1 : mprotect(at, 4096, PROT_WRITE);
}

/* Into a copy that is the process's own. */
static long write_private(struct page_target *t)
{
	t->own[0] = '!';
	return 0;
}

static long advise(char *at, int advice)
{
	return madvise(at, 4096, advice);
}

static long advise_remove(struct page_target *t)
{
	return advise(t->shared, MADV_REMOVE);
}

static long advise_free(struct page_target *t)
{
	return advise(t->shared, MADV_FREE);
}

static long advise_populate(struct page_target *t)
{
	return advise(t->shared, 23); /* MADV_POPULATE_WRITE */
}

static long advise_poison(struct page_target *t)
{
	return advise(t->shared, MADV_HWPOISON);
}

static long advise_offline(struct page_target *t)
{
	return advise(t->shared, 101); /* MADV_SOFT_OFFLINE */
}

static long advise_merge(struct page_target *t)
{
	return advise(t->own, MADV_MERGEABLE);
}

static long memory_file(struct page_target *t)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -1 : pwrite(fd, byte, 1, (off_t)(uintptr_t)t->shared);
}

static long map_file(struct page_target *t)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)t->shared,
		 (unsigned long)t->shared + 4096);
	return open(path, O_RDWR | O_CLOEXEC);
}

static long through_link(struct page_target *t)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", t->fd);
	return open(path, O_RDWR | O_CLOEXEC);
}

static long other_memory(struct page_target *t)
{
	struct iovec from = {(void *)(uintptr_t)byte, 1}, to = {t->shared, 1};

	return syscall(SYS_process_vm_writev, getpid(), &from, 1UL, &to, 1UL, 0UL);
}

static long trace(struct page_target *t)
{
	(void)t;
	return syscall(SYS_ptrace, 0, 0, 0, 0);
}

static long user_fault(struct page_target *t)
{
	(void)t;
	return syscall(SYS_userfaultfd, 0);
}

/* Dirty COW: one thread throws the private copy away while another writes to it. */
static atomic_bool racing;

static void *throw_main(void *arg)
{
	while (atomic_load(&racing))
		(void)madvise(arg, 4096, MADV_DONTNEED);
	return NULL;
}

static long race(struct page_target *t)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	pthread_t thread;

	atomic_store(&racing, true);
	if (zero < 0 || pthread_create(&thread, NULL, throw_main, t->own) != 0)
		return -1;
	/* By the hardware, and by the kernel's own hand. */
	for (int i = 0; i < RACES; i++) {
		*(volatile char *)t->own = '!';
		(void)!read(zero, t->own, 64);
	}
	atomic_store(&racing, false);
	return -pthread_join(thread, NULL);
}

static const struct page_attempt attempts[] = {
	{"open", open_write},
	{"open O_TRUNC", open_truncate},
	{"truncate", truncate_path},
	{"ftruncate", truncate_fd},
	{"fallocate", allocate},
	{"punch hole", punch},
	{"write", write_fd},
	{"writev", vector_fd},
	{"chmod", change_mode},
	{"fchmod", change_mode_fd},
	{"utimensat", change_times},
	{"setxattr", change_attribute},
	{"FS_IOC_SETFLAGS", change_flags},
	{"FICLONE", clone_into},
	{"unlink", remove_name},
	{"rename over", rename_over},
	{"link", link_out},
	{"MAP_SHARED", map_shared},
	{"mprotect", protect_shared},
	{"mremap", grow_shared},
	{"MAP_PRIVATE", write_private},
	{"MADV_REMOVE", advise_remove},
	{"MADV_FREE", advise_free},
	{"MADV_POPULATE_WRITE", advise_populate},
	{"MADV_HWPOISON", advise_poison},
	{"MADV_SOFT_OFFLINE", advise_offline},
	{"MADV_MERGEABLE", advise_merge},
	{"/proc/self/mem", memory_file},
	{"/proc/self/map_files", map_file},
	{"/proc/self/fd", through_link},
	{"process_vm_writev", other_memory},
	{"ptrace", trace},
	{"userfaultfd", user_fault},
	{"race", race},
};

static int target_open(const char *path, struct page_target *target)
{
	void *shared, *own;

	target->path = path;
	target->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (target->fd < 0)
		return -errno;
	shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED, target->fd, 0);
	own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, target->fd, 0);
	target->shared = shared;
	target->own = own;
	return shared == MAP_FAILED || own == MAP_FAILED ? -errno : 0;
}

static void say(luaL_Buffer *text, const struct page_attempt *attempt, struct page_target *target)
{
	long done = attempt->attempt(target);

	luaL_addstring(text, attempt->name);
	luaL_addstring(text, ": ");
	luaL_addstring(text, done < 0 ? strerror(errno) : "done");
	luaL_addchar(text, '\n');
}

/* pages(PATH): a line an attempt: its name, ": ", and "done" or the error's text. */
static int pages(lua_State *lua)
{
	struct page_target target;
	luaL_Buffer text;
	int rc = target_open(luaL_checkstring(lua, 1), &target);

	if (rc < 0)
		return luaL_error(lua, "%s: %s", lua_tostring(lua, 1), strerror(-rc));
	luaL_buffinit(lua, &text);
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		say(&text, &attempts[i], &target);
	for (size_t i = 0; packet_attempts[i].name; i++)
		say(&text, &packet_attempts[i], &target);
	munmap(target.shared, 4096);
	munmap(target.own, 4096);
	close(target.fd);
	luaL_pushresult(&text);
	return 1;
}

static const luaL_Reg functions[] = {{"pages", pages}, {NULL, NULL}};

void hostile_pages_open(lua_State *lua)
{
	luaL_setfuncs(lua, functions, 0);
}
