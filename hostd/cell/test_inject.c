/* SPDX-License-Identifier: Apache-2.0 */
#include "hostd/cell/test_inject.h"

#include "hostd/cell/sys.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const int calls[] = {
	SYS_openat, SYS_openat2, SYS_open_tree, SYS_move_mount, SYS_mount_setattr, SYS_fsopen,
	SYS_fsconfig, SYS_fsmount, SYS_mkdirat, SYS_mknodat, SYS_symlinkat, SYS_fchmodat,
	SYS_unlinkat, SYS_setns, SYS_unshare, SYS_clone3, SYS_socketpair, SYS_pipe2, SYS_sendto,
	SYS_fsetxattr, SYS_dup2, SYS_dup3, SYS_fcntl, SYS_write, SYS_setresuid, SYS_setresgid,
	SYS_getgroups, SYS_prctl, SYS_capset, SYS_seccomp, SYS_landlock_create_ruleset,
	SYS_landlock_add_rule, SYS_landlock_restrict_self, SYS_pivot_root, SYS_umount2, SYS_execve,
	SYS_sethostname, SYS_setdomainname, SYS_socket, SYS_ioctl, SYS_fchdir, SYS_chdir,
	SYS_close_range, SYS_prlimit64, SYS_sched_setscheduler, SYS_setsid, SYS_recvfrom,
};

/* ---- the process that answers ---- */

static int receive_listener(int channel)
{
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec io = {&byte, 1};
	struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = space,
				 .msg_controllen = sizeof(space)};
	struct cmsghdr *head;
	int fd = -1;

	if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) == 1 &&
	    (head = CMSG_FIRSTHDR(&message)) != NULL)
		memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

/* The way home is the one call that ends the monitor if it fails (mountns_leave, and egress.c's of
 * the network): it could go on in no other namespace. */
static bool counts(const struct control *control, const struct seccomp_notif *call)
{
	bool child = (int)call->pid != atomic_load(&control->monitor);

	return atomic_load(&control->armed) && child == atomic_load(&control->child) &&
	       !(call->data.nr == SYS_setns &&
		 ((int)call->data.args[0] == atomic_load(&control->home[0]) ||
		  (int)call->data.args[0] == atomic_load(&control->home[1])));
}

static void answer_one(int listener, struct control *control)
{
	struct seccomp_notif call;
	struct seccomp_notif_resp answer;

	memset(&call, 0, sizeof(call));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
		return; /* it was killed meanwhile */
	memset(&answer, 0, sizeof(answer));
	answer.id = call.id;
	if (counts(control, &call) &&
	    atomic_fetch_add(&control->count, 1) + 1 == atomic_load(&control->fail_at)) {
		atomic_store(&control->failed, call.data.nr);
		answer.error = -INJECTED;
	} else {
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	}
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static _Noreturn void answer_all(int channel, struct control *control)
{
	int listener = receive_listener(channel);

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	while (listener >= 0)
		answer_one(listener, control);
	_exit(1);
}

/* ---- the filter ---- */

static int install_filter(void)
{
	struct sock_filter code[COUNT(calls) + 3];
	struct sock_fprog program = {.len = 0, .filter = code};
	size_t n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < COUNT(calls); i++)
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (unsigned)calls[i],
							 (unsigned char)(COUNT(calls) - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	program.len = (unsigned short)n;
	return sys_result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				  SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

/* sendmsg is not among the calls: nobody could answer yet. */
static bool give_listener(int channel, int listener)
{
	char byte = 0, space[CMSG_SPACE(sizeof(int))];
	struct iovec io = {&byte, 1};
	struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = space,
				 .msg_controllen = sizeof(space)};
	struct cmsghdr *head;

	memset(space, 0, sizeof(space));
	head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &listener, sizeof(listener));
	return sendmsg(channel, &message, MSG_NOSIGNAL) == 1;
}

struct control *inject_start(pid_t *ret_answerer)
{
	struct control *control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int channel[2], listener;

	if (control == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
		return NULL;
	*ret_answerer = fork();
	if (*ret_answerer == 0)
		answer_all(channel[1], control);
	close(channel[1]);
	listener = install_filter();
	if (listener < 0 || !give_listener(channel[0], listener))
		return NULL;
	close(listener);
	close(channel[0]);
	return control;
}
