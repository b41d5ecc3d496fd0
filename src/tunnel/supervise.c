/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor as seen from outside: started by `vpnctl up`, found and ended by whoever deletes
 * the tunnel. Whether it lives is told by the kernel's lock on a file, never by a process id alone,
 * which could be another's by now. Must never signal a process that does not hold that lock.
 */
#include "tunnel/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/util.h"
#include "state/record.h"
#include "state/health.h"
#include "tunnel/supervise_lock.h"
#include "tunnel/uapi.h"

#define START_TIMEOUT_MS 120000 /* DNS may be slow at boot */
#define STOP_TIMEOUT_MS	 3000
#define GONE_TIMEOUT_MS	 2000

int supervise_path(const char *name, const char *what, char *ret, size_t size, struct err *e)
{
	if (!str_is_vpn_name(name) || str_fmt(ret, size, RUN_DIR "/%s.%s", name, what) < 0)
		return err_set(e, -EINVAL, "'%s' is not a VPN's name", name);
	return 0;
}

/* 1: locked by another, 0: free, or -errno. Only asks: a lock taken for a moment would be in the
 * way of a supervisor that starts. */
static int is_locked(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_GETLK, &lock) < 0 ? -errno : lock.l_type != F_UNLCK;
}

/* The lock's file, or -ENOENT. */
static int open_lock(const char *name, struct err *e)
{
	char path[64];
	int fd, r = supervise_path(name, "supervisor", path, sizeof(path), e);

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_sys(e, -errno, "cannot open %s", path);
	return fd;
}

/* The pid that the holder wrote. It writes after it has locked: an empty file means "in a moment".
 */
static pid_t read_pid(int fd)
{
	char text[16];
	uint64_t pid;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return str_uint(text, 2, INT32_MAX, &pid) < 0 ? 0 : (pid_t)pid;
}

/* kill(2) is back before its victim has been on a processor again, which on a busy machine takes as
 * long as an `up`. */
static bool is_dying(pid_t pid)
{
	uint64_t pending;

	return child_status(pid, "ShdPnd", 16, &pending) == 0 && pending & 1ULL << (SIGKILL - 1);
}

int supervise_is_alive(const char *name, struct err *e)
{
	AUTO_CLOSE int fd = open_lock(name, e);
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = is_locked(fd);
	if (r < 0)
		return err_sys(e, r, "cannot ask for the lock of the supervisor of %s", name);
	return r && !is_dying(read_pid(fd));
}

/* A pidfd of the living supervisor, or -ENOENT. */
static int open_holder(const char *name, pid_t *ret_pid, struct err *e)
{
	AUTO_CLOSE int fd = open_lock(name, e);

	if (fd < 0)
		return fd;
	for (int tries = 0; tries < 100; tries++) {
		AUTO_CLOSE int pidfd = -1;
		int r = is_locked(fd);
		pid_t pid;

		if (r <= 0)
			return r < 0 ? err_sys(e, r,
					       "cannot ask for the lock of the supervisor of %s",
					       name)
				     : -ENOENT;
		pid = read_pid(fd);
		if (pid)
			pidfd = child_pidfd(pid);
		/* Still locked after the pidfd was made: it is the holder's, not a successor's. */
		if (pidfd >= 0 && is_locked(fd) == 1) {
			*ret_pid = pid;
			return take_fd(&pidfd);
		}
		poll(NULL, 0, 10);
	}
	return err_set(e, -EBUSY, "the supervisor of %s cannot be found", name);
}

pid_t supervise_find(const char *name, struct err *e)
{
	pid_t pid = 0;
	AUTO_CLOSE int pidfd = open_holder(name, &pid, e);

	if (pidfd == -ENOENT)
		return 0;
	return pidfd < 0 ? pidfd : pid;
}

static int signal_holder(const char *name, int sig, struct err *e)
{
	pid_t pid = 0;
	AUTO_CLOSE int pidfd = open_holder(name, &pid, e);

	if (pidfd == -ENOENT)
		return err_set(e, -ESRCH, "no supervisor of %s is running", name);
	return pidfd < 0 ? pidfd : child_signal(pidfd, sig);
}

int supervise_nudge(const char *name, struct err *e)
{
	return signal_holder(name, SIGUSR1, e);
}

int supervise_reread(const char *name, struct err *e)
{
	return signal_holder(name, SIGHUP, e);
}

/* One of an older version that still runs must not die of it: SIGURG is ignored by default. */
int supervise_reread_ports(const char *name, struct err *e)
{
	return signal_holder(name, SIGURG, e);
}

static void remove_files(const char *name)
{
	static const char *const what[] = {"supervisor", "log",	   "inbound",
					   "port",	 "natpmp", "forwarded/port"};
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(what); i++)
		if (supervise_path(name, what[i], path, sizeof(path), NULL) == 0)
			unlink(path);
	health_remove(name);
}

/* A supervisor that was killed takes wireguard-go along, but not at the same instant. */
static void wait_device_gone(const char *name)
{
	int64_t end = util_now_ms() + GONE_TIMEOUT_MS;

	while (uapi_is_alive(name) && util_now_ms() < end)
		poll(NULL, 0, 5);
	uapi_remove_stale(name);
}

int supervise_stop(const char *name, struct err *e)
{
	AUTO_CLOSE int pidfd = -1;
	char path[64];
	pid_t pid = 0;
	int r = supervise_path(name, "supervisor", path, sizeof(path), e);

	if (r < 0)
		return r;
	if (access(path, F_OK) < 0 && errno == ENOENT) {
		remove_files(name); /* one that ended by itself leaves its log */
		return 0;
	}
	pidfd = open_holder(name, &pid, e);
	if (pidfd < 0 && pidfd != -ENOENT)
		return pidfd;
	if (pidfd >= 0) {
		child_signal(pidfd, SIGTERM);
		if (!child_wait_pidfd(pidfd, STOP_TIMEOUT_MS)) {
			child_signal(pidfd, SIGKILL);
			if (!child_wait_pidfd(pidfd, STOP_TIMEOUT_MS))
				return err_set(e, -ETIMEDOUT,
					       "the supervisor of %s (process %d) does not end",
					       name, pid);
		}
		waitpid(pid, NULL, WNOHANG); /* where it is a child of this very program */
	}
	wait_device_gone(name);
	remove_files(name);
	return 0;
}

struct supervise_birth {
	const char *name;
	uint32_t mtu;
	bool kernel; /* the device is the kernel's */
	int netns_fd, status, log, null;
};

/* In the child: nothing of the caller's but the name reaches the supervisor. Until it has reported
 * it is of no use to anybody but the `up` that waits for it, and would stand in the way of the
 * next: it dies with that one, which supervise_run() takes back. */
static int exec_supervisor(void *arg)
{
	const struct supervise_birth *b = arg;

	static char arg0[] = "vpnctl", arg1[] = "supervise", arg4[] = "kernel";
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char arg2[NAME_MAX_LEN + 1], arg3[12];
	char *argv[] = {arg0, arg1, arg2, arg3, b->kernel ? arg4 : NULL, NULL};
	char *envp[] = {path, NULL};
	/* The descriptors go out of the way of the low numbers first. */
	int status = fcntl(b->status, F_DUPFD_CLOEXEC, 10);
	int log = fcntl(b->log, F_DUPFD_CLOEXEC, 10);
	int null = fcntl(b->null, F_DUPFD_CLOEXEC, 10);

	if (b->netns_fd >= 0 && setns(b->netns_fd, CLONE_NEWNET) < 0)
		return 1;
	if (status < 0 || log < 0 || null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 ||
	    dup2(log, 2) < 0 || dup2(status, SUPERVISE_STATUS_FD) < 0)
		return 1;
	syscall(SYS_close_range, SUPERVISE_STATUS_FD + 1, ~0u, 0);
	setsid();
	if (chdir("/") < 0 || str_copy(arg2, sizeof(arg2), b->name) < 0)
		return 1;
	str_fmt(arg3, sizeof(arg3), "%u", b->mtu);
	umask(077);
	execve("/proc/self/exe", argv, envp);
	return 1;
}

/* The supervisor's one report. Its end without a word is a failure too. */
static int read_status(int fd, const char *name, struct err *e)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t end = util_now_ms() + START_TIMEOUT_MS;
	struct err report;
	ssize_t n;

	for (;;) {
		int64_t left = end - util_now_ms();
		int r = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (r > 0)
			break;
		if (r == 0)
			return err_set(e, -ETIMEDOUT, "the supervisor of %s was not ready in time",
				       name);
		if (errno != EINTR)
			return err_sys(e, -errno, "cannot wait for the supervisor of %s", name);
	}
	n = read(fd, &report, sizeof(report));
	if (n != (ssize_t)sizeof(report))
		return err_set(e, -ECHILD, "the supervisor of %s ended before it was ready", name);
	report.msg[sizeof(report.msg) - 1] = '\0';
	if (report.code < 0)
		return err_set(e, report.code, "%s", report.msg);
	return 0;
}

static int open_log(const char *name, struct err *e)
{
	char path[64];
	int fd, r = supervise_path(name, "log", path, sizeof(path), e);

	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? err_sys(e, -errno, "cannot open %s", path) : fd;
}

static int start(struct supervise_birth *b, int32_t *ret_pid, struct err *e)
{
	AUTO_CLOSE int log = -1, null = -1, ours = -1, theirs = -1;
	int pipefd[2], r = record_make_dir(e);
	pid_t pid;

	if (r < 0)
		return r;
	log = open_log(b->name, e);
	if (log < 0)
		return log;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return err_sys(e, -errno, "cannot open /dev/null");
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot make a pipe");
	ours = pipefd[0];
	theirs = pipefd[1];
	b->status = theirs;
	b->log = log;
	b->null = null;
	pid = child_start(CHILD_DIES_WITH_US | CHILD_PLAIN_SIGNALS, exec_supervisor, b);
	if (pid < 0)
		return err_sys(e, pid, "cannot start the supervisor of %s", b->name);
	util_close(&theirs);
	r = read_status(ours, b->name, e);
	if (r < 0) {
		/* Our own child, not waited for yet: the number cannot be another's. */
		kill(pid, r == -ETIMEDOUT ? SIGKILL : SIGTERM);
		child_reap(pid);
		uapi_remove_stale(b->name);
		return r;
	}
	*ret_pid = pid;
	return 0;
}

int supervise_start(const char *name, int netns_fd, uint32_t mtu, int32_t *ret_pid, struct err *e)
{
	struct supervise_birth b = {.name = name, .mtu = mtu, .netns_fd = netns_fd};

	return start(&b, ret_pid, e);
}

int supervise_start_keeper(const char *name, int netns_fd, uint32_t mtu, struct err *e)
{
	int32_t pid = supervise_find(name, e);
	struct supervise_birth b = {.name = name, .mtu = mtu, .kernel = true, .netns_fd = netns_fd};

	return pid ? (pid < 0 ? pid : 0) : start(&b, &pid, e);
}
