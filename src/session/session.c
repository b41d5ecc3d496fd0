/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds R and opens, or makes, the directory of a user's session of a VPN. Must never trust a
 * directory that another user could write, nor follow a link at its end. Called by the launcher
 * before the namespaces are made.
 */
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/util.h"

#define LOCK_MS	  5000
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The path that an open descriptor has: no link in it. */
static int path_of(int fd, char *ret, size_t size)
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, ret, size - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return ret[0] == '/' ? 0 : -ENOENT;
}

static bool is_private(const struct stat *st)
{
	return S_ISDIR(st->st_mode) && st->st_uid == geteuid() && !(st->st_mode & 077);
}

/* A runtime directory that holds the home or the working directory would hide it. */
static bool is_needed_itself(const char *path)
{
	const char *home = getenv("HOME");
	size_t len = strlen(path);

	return home && !strncmp(home, path, len) && (home[len] == '/' || !home[len]);
}

static int open_runtime(const char *path, struct session *s)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (!path || path[0] != '/')
		return -ENOENT;
	fd = open(path, DIR_FLAGS);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!is_private(&st) || path_of(fd, s->runtime, sizeof(s->runtime)) < 0 ||
	    is_needed_itself(s->runtime))
		return -EPERM;
	return take_fd(&fd);
}

/* Finds the place where the sandbox has one, whether or not there is one outside. */
static int find_runtime(struct session *s)
{
	char usual[32];
	int fd = open_runtime(getenv("XDG_RUNTIME_DIR"), s);

	if (fd >= 0)
		return fd;
	snprintf(usual, sizeof(usual), "/run/user/%u", geteuid());
	fd = open_runtime(usual, s);
	if (fd < 0)
		str_copy(s->runtime, sizeof(s->runtime), usual);
	return fd;
}

static int refuse(const struct session *s, const char *rel, int code, const struct stat *st,
		  struct err *e)
{
	if (code == -ELOOP || code == -ENOTDIR)
		return err_set(e, code,
			       "%.100s/%s is not a directory, but a link or a file: remove it",
			       s->runtime, rel);
	if (code != -EPERM)
		return err_sys(e, code, "cannot make %.100s/%s for the session", s->runtime, rel);
	if (st->st_uid != geteuid())
		return err_set(e, code, "%.100s/%s belongs to another user: remove it", s->runtime,
			       rel);
	return err_set(e, code, "%.100s/%s can be entered by others; first: chmod 700 %.100s/%s",
		       s->runtime, rel, s->runtime, rel);
}

/* A private directory below at; rel is its name from R on, for a sentence. */
static int open_dir(const struct session *s, int at, const char *name, const char *rel,
		    struct err *e)
{
	AUTO_CLOSE int fd = openat(at, name, DIR_FLAGS);
	struct stat st = {0};

	if (fd < 0 && errno == ENOENT) {
		mode_t mask = umask(0);
		int r = mkdirat(at, name, 0700) < 0 && errno != EEXIST ? -errno : 0;

		umask(mask);
		if (r < 0)
			return refuse(s, rel, r, &st, e);
		fd = openat(at, name, DIR_FLAGS);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return refuse(s, rel, -errno, &st, e);
	if (!is_private(&st))
		return refuse(s, rel, -EPERM, &st, e);
	return take_fd(&fd);
}

/* A program inside may have changed the mode of what it takes for its runtime directory: that must
 * keep nobody from the next launch. Others cannot have come in meanwhile, for s->dir is private. */
static void mend_run(const struct session *s)
{
	AUTO_CLOSE int fd = openat(s->dir, "run", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char path[32];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 07777) == 0700)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	chmod(path, 0700);
}

static int open_dirs(struct session *s, int runtime, struct err *e)
{
	AUTO_CLOSE int ours = open_dir(s, runtime, "vpnrun", "vpnrun", e);
	char rel[SESSION_NAME_MAX + 16];

	if (ours < 0)
		return ours;
	snprintf(rel, sizeof(rel), "vpnrun/%s", s->name);
	s->dir = open_dir(s, ours, s->name, rel, e);
	if (s->dir < 0)
		return s->dir;
	snprintf(rel, sizeof(rel), "vpnrun/%s/run", s->name);
	mend_run(s);
	s->run = open_dir(s, s->dir, "run", rel, e);
	return s->run < 0 ? s->run : 0;
}

int session_open(const char *name, struct session *ret, struct err *e)
{
	struct session *s = ret;
	AUTO_CLOSE int runtime = -1;
	int r = 0;

	*s = (struct session)SESSION_INIT;
	s->classes = SESSION_ALL;
	runtime = find_runtime(s);
	s->has_runtime = runtime >= 0;
	if (name && str_copy(s->name, sizeof(s->name), name) < 0)
		return err_set(e, -ENAMETOOLONG, "%.40s: name too long for a session", name);
	if (name && s->has_runtime)
		r = open_dirs(s, runtime, e);
	if (r < 0)
		session_close(s);
	return r;
}

void session_leave_out(struct session *s)
{
	util_close(&s->dir);
	util_close(&s->run);
	s->classes = 0;
}

void session_close(struct session *s)
{
	util_close(&s->dir);
	util_close(&s->run);
	util_close(&s->used);
	util_close(&s->outside);
	util_close(&s->inside);
	while (s->n_named)
		util_close(&s->named[--s->n_named].fd);
}

int session_lock(const struct session *s, struct err *e)
{
	AUTO_CLOSE int fd = openat(s->dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	AUTO_PROGRESS progress = PROGRESS_INIT;
	int64_t begun = util_now_ms();
	int r;

	if (fd < 0)
		return err_sys(e, -errno, "cannot open %.100s/vpnrun/%s/lock", s->runtime, s->name);
	/* It is held for milliseconds, but by a launch that was stopped (Ctrl-Z) for as long as it
	 * is. */
	while ((r = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0) == -EWOULDBLOCK &&
	       util_now_ms() < begun + LOCK_MS) {
		progress_late(&progress, begun, LOCK_MS, "waiting for another launch in %s",
			      s->name);
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	if (r == -EWOULDBLOCK)
		return err_set(e, r, "another launch has held %.100s/vpnrun/%s/lock for %d seconds",
			       s->runtime, s->name, LOCK_MS / 1000);
	if (r < 0)
		return err_sys(e, r, "cannot lock %.100s/vpnrun/%s/lock", s->runtime, s->name);
	return take_fd(&fd);
}
