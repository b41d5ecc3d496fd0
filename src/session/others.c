/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the user's other network namespaces, by /proc, which takes longer than all the rest of a
 * launch's listing. So a session in use leaves a file, "used", and only where another session has
 * one, or an engine for the user's own containers has left its traces, is anything looked for;
 * whoever finds nothing removes the former. A launch holds its file's lock from
 * before it is looked for until it is in its own namespace: it can never be overlooked and then
 * forgotten. Called by the launcher before the namespaces are made.
 */
#include "session/others.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

#define USED	   "used"
#define STACK_SIZE 16384
#define NO_FD	   255 /* an exit status */

int others_note_use(struct session *s, struct err *e)
{
	struct stat st;

	if (s->dir < 0)
		return 0;
	for (;;) {
		AUTO_CLOSE int fd =
			openat(s->dir, USED, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd >= 0 && flock(fd, LOCK_SH) < 0 && errno == EINTR)
			continue;
		if (fd < 0 || fstat(fd, &st) < 0)
			return err_sys(e, -errno, "cannot note the use of %.100s/vpnrun/%s",
				       s->runtime, s->name);
		/* It was removed while we waited. */
		if (st.st_nlink == 0)
			continue;
		s->used = take_fd(&fd);
		return 0;
	}
}

int others_note_strict(const char *name, struct session *ret, struct err *e)
{
	struct err why = ERR_INIT;
	int r = session_open(name, ret, &why);

	if (r == 0)
		r = others_note_use(ret, &why);
	if (r < 0) {
		log_debug("launches into other VPNs will not look for sockets of this one: %s",
			  why.msg);
		session_close(ret);
		r = session_open(NULL, ret, e);
	}
	session_leave_out(ret);
	return r;
}

/* The user's own containers: an engine that runs as the user leaves these below R. */
static bool has_engine(const struct session *s)
{
	static const char *const traces[] = {
		"containers", "libpod",	    "buildah",		"crun",
		"runc",	      "docker.pid", "dockerd-rootless", "containerd-rootless",
		"netns"};
	char path[PATH_MAX];

	for (size_t i = 0; s->has_runtime && i < ARRAY_SIZE(traces); i++)
		if (str_fmt(path, sizeof(path), "%s/%s", s->runtime, traces[i]) > 0 &&
		    access(path, F_OK) == 0)
			return true;
	return false;
}

/* Calls fn(path of the file, arg) for each other session's, until it returns true. */
static bool each_used(const struct session *s, bool (*fn)(const char *path))
{
	char dir[PATH_MAX], path[PATH_MAX];
	const struct dirent *de;
	bool found = false;
	DIR *d = NULL;

	if (s->has_runtime && str_fmt(dir, sizeof(dir), "%s/vpnrun", s->runtime) > 0)
		d = opendir(dir);
	while (d && !found && (de = readdir(d)))
		if (de->d_name[0] != '.' && strcmp(de->d_name, s->name) != 0 &&
		    str_fmt(path, sizeof(path), "%s/%s/" USED, dir, de->d_name) > 0)
			found = fn(path);
	if (d)
		closedir(d);
	return found;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static bool forget(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlink(path);
	return false;
}

/* --- namespaces ------------------------------------------------------------------------------ */

struct seen {
	ino_t *at;
	size_t n, room;
};

/* Whether the namespace is new to us, which it is no more. -ENOMEM. */
static int is_new(struct seen *s, ino_t ino)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->at[i] == ino)
			return 0;
	if (s->n == s->room) {
		size_t room = s->room ? s->room * 2 : 64;
		ino_t *more = reallocarray(s->at, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->at = more;
		s->room = room;
	}
	s->at[s->n++] = ino;
	return 1;
}

static int each_namespace(const struct others *o, struct seen *seen,
			  int (*fn)(pid_t pid, void *arg), void *arg, bool *ret_any)
{
	DIR *d = opendir("/proc");
	const struct dirent *de;
	char path[64];
	struct stat st;
	uint64_t pid;
	int r = 0;

	while (d && r == 0 && (de = readdir(d))) {
		/* Of another user's process the kernel does not say it. */
		if (str_uint(de->d_name, 1, INT32_MAX, &pid) < 0 ||
		    str_fmt(path, sizeof(path), "/proc/%s/ns/net", de->d_name) < 0 ||
		    stat(path, &st) < 0)
			continue;
		r = is_new(seen, st.st_ino);
		if (r <= 0 || !o->is_outside((pid_t)pid, o->arg)) {
			r = r < 0 ? r : 0;
			continue;
		}
		*ret_any = true;
		r = fn((pid_t)pid, arg);
	}
	if (d)
		closedir(d);
	return r;
}

int others_each(const struct others *o, int (*fn)(pid_t pid, void *arg), void *arg, struct err *e)
{
	struct seen seen = {NULL, 0, 0};
	bool any = false;
	struct stat own;
	int r;

	/* Where there is no place for a note, they are looked for. Root has no sandboxes in user
	 * namespaces, and would see all of everybody's containers. */
	if (o->session->has_runtime ? !each_used(o->session, is_there) && !has_engine(o->session)
				    : geteuid() == 0)
		return 0;
	if (stat("/proc/self/ns/net", &own) < 0)
		return err_sys(e, -errno, "cannot look at the own network namespace");
	r = is_new(&seen, own.st_ino);
	if (r >= 0)
		r = each_namespace(o, &seen, fn, arg, &any);
	free(seen.at);
	if (r == -ENOMEM)
		return err_set(e, r, "out of memory");
	if (r == 0 && !any)
		each_used(o->session, forget);
	return r;
}

/* --- another namespace's socket -------------------------------------------------------------- */

static int open_ns(pid_t pid, const char *kind)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* It runs in a process of its own, which shares nothing but the table of descriptors. */
static int open_there(void *arg)
{
	const pid_t *pid = arg;
	int user = open_ns(*pid, "user"), net = open_ns(*pid, "net"), fd = -1;

	if (net >= 0 && setns(user, CLONE_NEWUSER) == 0 && setns(net, CLONE_NEWNET) == 0)
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	util_close(&user);
	util_close(&net);
	return fd < 0 || fd >= NO_FD ? NO_FD : fd;
}

int others_open_diag(pid_t pid)
{
	static char stack[STACK_SIZE] __attribute__((aligned(16)));
	int status;
	/* It ends without a signal, so that whoever ignores or counts children is not disturbed. */
	pid_t child = clone(open_there, stack + sizeof(stack), CLONE_FILES, &pid);

	if (child < 0)
		return -errno;
	while (waitpid(child, &status, (int)__WCLONE) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) != NO_FD ? WEXITSTATUS(status) : -EPERM;
}
