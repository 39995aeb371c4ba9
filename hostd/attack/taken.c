/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack-taken: a link or a relay that was taken over. The tests put it in hostd's place on a node
 * of theirs, where the real monitor starts it. It is hostd's own code up to the last step of
 * role_enter(): there the warden, which answers the tests, stays in front of the list of calls, and
 * for each script that it is told a prisoner takes that step and does what the words say. It has
 * what a worker has, not a descriptor more, and may die of it.
 *
 *   attack-taken tell SOCKET SCRIPT [-- SCRIPT]...   a script is a mode and words (taken.h):
 *        full WORD...  as the worker          bare WORD...  the same without the list of calls
 *        sweep WAY     every system call, as the worker
 *   attack-taken alone SCRIPT [-- SCRIPT]...   the same as whoever calls it, in no role
 *   attack-taken layout | policy link|relay
 *
 * Without a marker in TAKEN_FOLDER, ROLE-UID, a role is as in hostd.
 */
#include "hostd/attack/taken.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <seccomp.h>

#include "hostd/attack/attempt.h"
#include "hostd/ipc.h"
#include "hostd/role.h"
#include "hostd/roles.h"

#define TAKEN_FOLDER "/run/taken"
#define LISTEN_FD STDIN_FILENO
#define SCRIPT_S 150 /* a kernel may start in it */
#define TELL_TRIES 600 /* of 100 ms: the monitor starts a lost worker after a while */
#define WORDS_MAX 4096u
#define WORDS_BYTES (256u * 1024u)

struct warden {
	int filter_fd; /* -1: there is no role */
	int client;
	struct taken_text *text;
};

/* ---- the prisoner ---- */

static void enter(void *ctx)
{
	const struct warden *warden = ctx;

	if (warden->filter_fd >= 0 && role_filter_load(warden->filter_fd) < 0)
		_exit(120);
}

static _Noreturn void prisoner(struct warden *warden, char *const *words, size_t count)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (warden->client >= 0)
		close(warden->client);
	if (warden->filter_fd >= 0)
		dup2(STDOUT_FILENO, LISTEN_FD); /* /dev/null, as every worker's */
	if (strcmp(words[0], "full") == 0)
		enter(warden);
	if (warden->filter_fd >= 0)
		close(warden->filter_fd);
	taken_words(words + 1, count - 1, warden->text);
	_exit(0);
}

/* ---- the warden ---- */

static void say_end(struct taken_text *text, pid_t pid)
{
	const struct timespec limit = {.tv_sec = SCRIPT_S};
	bool hangs = false;
	int status = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (waitpid(pid, &status, WNOHANG) == 0)
		if (sigtimedwait(&set, NULL, &limit) < 0 && errno == EAGAIN) {
			hangs = true;
			kill(pid, SIGKILL);
		}
	if (hangs)
		taken_say(text, "end hangs\n");
	else if (WIFSIGNALED(status))
		taken_say(text, "end signal:%d\n", WTERMSIG(status));
	else
		taken_say(text, "end %d\n", WEXITSTATUS(status));
}

static void run_sweep(struct warden *warden, const char *way)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);
	int code = out ? sweep(way, enter, warden, out) : 1;

	if (out)
		fclose(out);
	taken_say(warden->text, "%s", bytes ? bytes : "");
	free(bytes);
	taken_say(warden->text, "end %d\n", code);
}

static void run_script(struct warden *warden, char *const *words, size_t count)
{
	pid_t pid;

	if (count == 2 && strcmp(words[0], "sweep") == 0) {
		run_sweep(warden, words[1]);
		return;
	}
	pid = fork();
	if (pid == 0)
		prisoner(warden, words, count);
	if (pid > 0)
		say_end(warden->text, pid);
	else
		taken_say(warden->text, "end no process\n");
}

static void run_scripts(struct warden *warden, char *const *words, size_t count)
{
	size_t first = 0;

	warden->text->len = 0;
	for (size_t i = 0; i <= count; i++) {
		if (i < count && strcmp(words[i], "--") != 0)
			continue;
		if (i > first)
			run_script(warden, words + first, i - first);
		first = i + 1;
	}
}

static size_t read_all(int fd, char *bytes, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, bytes + len, size - len)) > 0)
		len += (size_t)n;
	return len;
}

static void write_all(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n) {
		n = write(fd, bytes, len);
		if (n <= 0)
			return;
	}
}

static void serve(struct warden *warden)
{
	static char bytes[WORDS_BYTES];
	static char *words[WORDS_MAX];
	size_t count = 0, len;

	warden->client = accept(LISTEN_FD, NULL, NULL);
	if (warden->client < 0)
		return;
	len = read_all(warden->client, bytes, sizeof(bytes) - 1);
	bytes[len] = '\0';
	for (size_t at = 0; at < len && count < WORDS_MAX; at += strlen(bytes + at) + 1)
		words[count++] = bytes + at;
	run_scripts(warden, words, count);
	write_all(warden->client, warden->text->bytes, warden->text->len);
	close(warden->client);
	warden->client = -1;
}

/* The monitor ends a worker that does not read. */
static void drain(void)
{
	static struct ipc_message message;
	int r;

	while ((r = ipc_receive(IPC_FD, &message)) > 0) {
		if (message.type == IPC_STREAM)
			dup2(message.fd, TAKEN_STREAM_FD);
		ipc_message_clear(&message);
	}
	if (r == 0)
		_exit(0); /* the monitor is gone */
}

static bool warden_new(struct warden *warden)
{
	sigset_t set;

	warden->text = mmap(NULL, sizeof(*warden->text), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return warden->text != MAP_FAILED;
}

/* In the place of role_filter_load, for role.c. */
int taken_filter_load(int fd);
int taken_filter_load(int fd)
{
	struct warden warden = {.filter_fd = fd, .client = -1};
	struct pollfd fds[] = {{LISTEN_FD, POLLIN, 0}, {IPC_FD, POLLIN, 0}};
	socklen_t len = sizeof(int);
	int listens = 0;

	if (getsockopt(LISTEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 || !listens)
		return role_filter_load(fd);
	if (!warden_new(&warden))
		return -ENOMEM;
	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		drain();
		if (fds[0].revents)
			serve(&warden);
	}
}

/* ---- the program ---- */

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

/* Before the role is entered, where there still is a folder. */
static void listen_if_marked(const char *role, const char *uid)
{
	char path[64];
	struct sockaddr_un address;
	int fd;

	snprintf(path, sizeof(path), TAKEN_FOLDER "/%s-%s", role, uid);
	if (access(path, F_OK) < 0)
		return;
	strncat(path, ".sock", sizeof(path) - strlen(path) - 1);
	address = address_of(path);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 4) < 0 || dup2(fd, LISTEN_FD) < 0)
		_exit(121);
	close(fd);
}

static int tell(const char *path, char **words, int count)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	const struct sockaddr_un address = address_of(path);
	char bytes[4096];
	size_t len;

	for (int i = 0; i < TELL_TRIES; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
			close(fd);
			nanosleep(&pause, NULL);
			continue;
		}
		for (int j = 0; j < count; j++)
			write_all(fd, words[j], strlen(words[j]) + 1);
		shutdown(fd, SHUT_WR);
		while ((len = read_all(fd, bytes, sizeof(bytes))) > 0)
			fwrite(bytes, 1, len, stdout);
		return 0;
	}
	fprintf(stderr, "%s: nobody listens\n", path);
	return 1;
}

static int alone(char **words, int count)
{
	struct warden warden = {.filter_fd = -1, .client = -1};

	if (!warden_new(&warden))
		return 1;
	run_scripts(&warden, words, (size_t)count);
	fwrite(warden.text->bytes, 1, warden.text->len, stdout);
	return 0;
}

static int print_policy(const struct role_policy *policy)
{
	for (size_t i = 0; i < policy->count; i++)
		printf("%s\t%d\t%d\t%d\t%llu\t%llu\t%s\n", policy->rules[i].syscall,
		       seccomp_syscall_resolve_name(policy->rules[i].syscall),
		       policy->rules[i].nothing,
		       policy->rules[i].mask ? (int)policy->rules[i].arg : -1,
		       (unsigned long long)policy->rules[i].mask,
		       (unsigned long long)policy->rules[i].value, policy->rules[i].why);
	return 0;
}

int main(int argc, char **argv)
{
	if (roles_are(argc, argv)) {
		if (argc == 3)
			listen_if_marked(argv[1], argv[2]);
		return roles_run(argc, argv);
	}
	signal(SIGPIPE, SIG_IGN);
	if (argc > 3 && strcmp(argv[1], "tell") == 0)
		return tell(argv[2], argv + 3, argc - 3);
	if (argc > 2 && strcmp(argv[1], "alone") == 0)
		return alone(argv + 2, argc - 2);
	if (argc == 3 && strcmp(argv[1], "policy") == 0)
		return print_policy(strcmp(argv[2], "link") == 0 ? &role_policy_link
								 : &role_policy_relay);
	if (argc == 2 && strcmp(argv[1], "layout") == 0)
		taken_layout(stdout);
	return argc == 2 && strcmp(argv[1], "layout") == 0 ? 0 : 2;
}
