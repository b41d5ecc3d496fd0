/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See child.h. What a child answers is a struct err and then its bytes, over a pipe that only the
 * two hold. The reader trusts none of it for more than its length: a child may be killed in the
 * middle of a word.
 */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

int child_pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

int child_signal(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

/* Until fd can be read or end has come (-1: never). */
static int wait_until(int fd, int64_t end)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		int64_t left = end < 0 ? -1 : end - util_now_ms();
		int n = poll(&p, 1, end >= 0 && left < 0 ? 0 : (int)left);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 || (end >= 0 && left <= 0))
			return -ETIMEDOUT;
	}
}

bool child_wait_pidfd(int pidfd, int timeout_ms)
{
	return wait_until(pidfd, util_now_ms() + timeout_ms) == 0;
}

int child_status(pid_t pid, const char *field, int base, uint64_t *ret)
{
	AUTO_FREE char *text = NULL;
	char path[32], line[24], *at;

	if (str_fmt(path, sizeof(path), "/proc/%d/status", pid) < 0 ||
	    str_fmt(line, sizeof(line), "\n%s:", field) < 0)
		return -EINVAL;
	at = file_read(path, 65536, &text, NULL, NULL) < 0 ? NULL : strstr(text, line);
	if (!at)
		return -ESRCH;
	*ret = strtoull(at + strlen(line), NULL, base);
	return 0;
}

static void make_plain(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

pid_t child_start(unsigned int flags, int (*fn)(void *arg), void *arg)
{
	pid_t self = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return pid;
	if (flags & CHILD_PLAIN_SIGNALS)
		make_plain();
	/* One that ended before this is no parent that could end any more. */
	if ((flags & CHILD_DIES_WITH_US) &&
	    (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != self))
		_exit(1);
	_exit(fn(arg));
}

int child_reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

int child_end(pid_t pid)
{
	if (pid <= 0)
		return 0;
	kill(pid, SIGKILL); /* not waited for yet: the number is ours */
	return child_reap(pid);
}

/* --- jobs ------------------------------------------------------------------------------------ */

#define NOTE INT_MAX /* no result of a job */

struct child_pipe {
	const struct child_job *job;
	int out;
};

static int note_fd = -1; /* of the job that this process carries out */

void child_note(const char *text)
{
	struct err note = {.code = NOTE};

	str_fmt(note.msg, sizeof(note.msg), "%s", text);
	if (note_fd >= 0)
		fd_write_all(note_fd, &note, sizeof(note));
}

int child_answer_fd(void)
{
	return note_fd;
}

static int answer(void *arg)
{
	const struct child_pipe *c = arg;
	const struct child_job *j = c->job;
	struct err e = ERR_INIT;
	size_t len = 0;

	note_fd = c->out;
	e.code = j->fn(j->arg, j->answer, &len, &e);
	if (fd_write_all(c->out, &e, sizeof(e)) < 0)
		return 1;
	return e.code >= 0 && len && fd_write_all(c->out, j->answer, len) < 0;
}

/* Reads up to size bytes; less means that the writer has ended. */
static ssize_t read_whole(int fd, void *ret, size_t size, int64_t end)
{
	char *at = ret;
	size_t len = 0;

	while (len < size) {
		int r = wait_until(fd, end);
		ssize_t n = r < 0 ? r : read(fd, at + len, size - len);

		if (r < 0)
			return r;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* Passes on the notes that come before it. Each is written at once, and comes whole or not yet. */
static ssize_t read_report(const struct child_job *j, int in, int64_t end, struct err *ret)
{
	char note[ERR_MSG_MAX] = "";
	int64_t still = -1;

	for (;;) {
		bool first = still >= 0 && (end < 0 || still < end);
		ssize_t n = read_whole(in, ret, sizeof(*ret), first ? still : end);

		if (n == -ETIMEDOUT && first) {
			j->still(j->arg, note);
			still = -1;
			continue;
		}
		if (n != (ssize_t)sizeof(*ret) || ret->code != NOTE)
			return n;
		ret->msg[sizeof(ret->msg) - 1] = '\0';
		str_copy(note, sizeof(note), ret->msg);
		still = j->still ? util_now_ms() + j->still_ms : -1;
	}
}

static int read_answer(const struct child_job *j, int in, size_t *ret_len, struct err *e)
{
	int64_t end = j->timeout_ms < 0 ? -1 : util_now_ms() + j->timeout_ms;
	struct err report;
	ssize_t n = read_report(j, in, end, &report);

	if (n == -ETIMEDOUT)
		return err_set(e, -ETIMEDOUT, "%s", j->silent);
	if (n != (ssize_t)sizeof(report))
		return err_set(e, -ECHILD, "%s", j->silent);
	report.msg[sizeof(report.msg) - 1] = '\0';
	if (report.code < 0) {
		if (e)
			*e = report;
		return report.code;
	}
	n = read_whole(in, j->answer, j->size, end);
	if (n < 0)
		return err_set(e, (int)n, "%s", j->silent);
	if (ret_len)
		*ret_len = (size_t)n;
	return report.code;
}

int child_call(const struct child_job *job, size_t *ret_len, struct err *e)
{
	AUTO_CLOSE int in = -1, out = -1;
	struct child_pipe c = {.job = job};
	int fds[2], r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot make a pipe");
	in = fds[0];
	c.out = out = fds[1];
	pid = child_start(CHILD_DIES_WITH_US, answer, &c);
	if (pid < 0)
		return err_sys(e, pid, "cannot start a process");
	util_close(&out);
	r = read_answer(job, in, ret_len, e);
	if (r == -ETIMEDOUT)
		child_end(pid);
	else
		child_reap(pid);
	return r;
}
