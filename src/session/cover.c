/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Puts a dead socket over each listener that is still visible. A name is only where one begins to
 * look: the socket may have been renamed or linked since (ssh binds a master's under another name),
 * be relative to a directory that its program was in, or be replaced while we look. So what counts
 * is what is there now, opened without following a link at its end, and after the mount it is
 * looked at again. Must never connect to anything. Called by the launcher when all mounts are done.
 */
#include "session/listeners.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/same.h"
#include "base/util.h"

#define DEAD	    "/run/.vpnrun-dead"
#define COVER_TRIES 16
#define LEVELS	    3 /* a socket's directory, and those above it */

/* Listeners of the desktop's that are no way to a network, where the environment does not say it.
 * '~' is the home. */
static const struct {
	unsigned int class;
	const char *begin;
} stay[] = {
	{SESSION_X11, "/tmp/.X11-unix/X"},	  {SESSION_SOUND, "/tmp/pulse-"},
	{SESSION_AGENTS, "~/.gnupg/S.gpg-agent"}, {SESSION_AGENTS, "~/.gnupg/S.keyboxd"},
	{SESSION_HELP, "/tmp/fcitx-socket-"},
};

struct cover {
	const struct listeners_allowed *allowed;
	struct stat dead, named[SESSION_NAMED_MAX]; /* as the session's */
	int dead_fd;
	size_t n;
	/* Where the last listener was, for many lie beside others: as it was named, and without a
	 * link in it; both end with '/'. */
	int dir;
	size_t dir_len;
	char dir_name[PATH_MAX], dir_real[PATH_MAX + 1];
};

static bool is_in(const char *path, const char *root)
{
	size_t len = strlen(root);

	while (len && root[len - 1] == '/')
		len--;
	return !strncmp(path, root, len) && (path[len] == '/' || !path[len]);
}

static bool begins(const struct listeners_allowed *a, const char *path, const char *begin)
{
	if (begin[0] != '~')
		return str_starts(path, begin);
	return a->home && is_in(path, a->home) && str_starts(path + strlen(a->home), begin + 1);
}

/* path is absolute and has no link in it. */
static bool may_stay(const struct cover *c, const char *path, const struct stat *st)
{
	const struct listeners_allowed *a = c->allowed;
	const struct session *s = a->session;

	/* There is only what session_mount() put there and what the session's programs made. */
	if (is_in(path, s->runtime))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(stay); i++)
		if ((a->classes & stay[i].class) && begins(a, path, stay[i].begin))
			return true;
	for (size_t i = 0; i < s->n_named; i++)
		if (same_stat(&c->named[i], st))
			return true;
	for (size_t i = 0; i < a->n_paths; i++)
		if (is_in(path, a->paths[i]))
			return true;
	return false;
}

/* --- its directory --------------------------------------------------------------------------- */

/* How much of name is the directory so many levels above it, with its '/'; 0: there is none. */
static size_t dir_len(const char *name, unsigned int up)
{
	size_t len = strlen(name);

	for (unsigned int i = 0; i <= up && len; i++)
		for (len -= i > 0; len && name[len - 1] != '/'; len--)
			;
	return len;
}

/* Whether a path without links is its directory's only name. */
static bool is_normal(const char *path)
{
	return !strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../");
}

/* Most names have no link in them, and then it costs a launch less not to ask for the real one. */
static int open_real(const char *name, char *ret, size_t size)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	AUTO_CLOSE int fd =
		is_normal(name) ? (int)syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof(how)) : -1;
	char at[32];
	ssize_t n;

	if (fd >= 0)
		return str_copy(ret, size, name) < 0 ? -ENAMETOOLONG : take_fd(&fd);
	fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(at, sizeof(at), "/proc/self/fd/%d", fd);
	n = readlink(at, ret, size - 2);
	/* It is there and in reach: whatever fails now must not pass for is_nothing(). */
	if (n <= 0)
		return -EIO;
	if (ret[n - 1] != '/')
		ret[n++] = '/';
	ret[n] = '\0';
	return take_fd(&fd);
}

static void leave_dir(struct cover *c)
{
	util_close(&c->dir);
	c->dir_len = 0;
}

/* Makes c->dir that of path, whose name in there is *ret. */
static int enter_dir(struct cover *c, const char *path, const char **ret)
{
	size_t len = dir_len(path, 0);

	*ret = path + len;
	if (c->dir >= 0 && len == c->dir_len && !memcmp(path, c->dir_name, len))
		return 0;
	leave_dir(c);
	if (len >= sizeof(c->dir_name))
		return -ENAMETOOLONG;
	memcpy(c->dir_name, path, len);
	c->dir_name[len] = '\0';
	c->dir = open_real(c->dir_name, c->dir_real, sizeof(c->dir_real));
	if (c->dir < 0)
		return c->dir;
	c->dir_len = len;
	return 0;
}

/* --- one socket ------------------------------------------------------------------------------ */

static bool is_dead(const struct cover *c, const struct stat *st)
{
	return same_stat(st, &c->dead);
}

/* It works by descriptors alone, so that what is covered is what was looked at. It takes half of
 * the time that mount(2) takes, which has to be led to a descriptor through /proc. */
static int put_dead(const struct cover *c, int fd)
{
	AUTO_CLOSE int tree = (int)syscall(SYS_open_tree, c->dead_fd, "",
					   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (tree < 0)
		return -EIO;
	if (syscall(SYS_move_mount, tree, "", fd, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0)
		return 1;
	return errno == ENOENT ? -ENOENT : -EIO; /* removed since */
}

/* 1: covered, look again; 0: there is nothing to cover. *ret, what is there, is filled in unless
 * -errno is that there is nothing at all. */
static int cover_once(struct cover *c, const char *path, struct stat *ret)
{
	AUTO_CLOSE int fd = -1;
	char real[PATH_MAX + NAME_MAX];
	const char *name;
	int r = enter_dir(c, path, &name);

	if (r < 0)
		return r;
	fd = openat(c->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, ret) < 0)
		return -errno;
	if (!S_ISSOCK(ret->st_mode) || is_dead(c, ret))
		return 0;
	/* What cannot be named cannot be allowed. */
	if (str_fmt(real, sizeof(real), "%s%s", c->dir_real, name) >= 0 && may_stay(c, real, ret))
		return 0;
	return put_dead(c, fd);
}

/* Nothing at that name, not any more, or nothing that the user can reach. */
static bool is_nothing(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -EACCES || r == -ELOOP || r == -ENAMETOOLONG;
}

/* *ret: what was found at first. is_nothing(): not even that, and no error is said. */
static int cover(struct cover *c, const char *path, struct stat *ret, struct err *e)
{
	struct stat now;
	int r = cover_once(c, path, ret);

	for (int i = 0; r > 0; i++) {
		c->n++;
		if (lstat(path, &now) < 0 || !S_ISSOCK(now.st_mode) || is_dead(c, &now))
			return 0;
		if (i == COVER_TRIES)
			return err_set(e, -EAGAIN,
				       "%.200s is replaced faster than it can be covered", path);
		/* It may be the directory that is another now. */
		leave_dir(c);
		r = cover_once(c, path, &now);
	}
	return r < 0 && !is_nothing(r) ? err_sys(e, r, "cannot cover the socket %.200s", path) : r;
}

/* --- by inode -------------------------------------------------------------------------------- */

static bool is_at(const struct listeners *l, size_t i, const char *dir, size_t len)
{
	const char *name = l->text + l->at[i].name;

	return l->at[i].gone && !strncmp(name, dir, len) && dir_len(name, l->at[i].up) == len;
}

/* A directory is read once for all listeners that are looked for in it: the inode's number says
 * which entry is meant. An overlay's files have their own numbers within the kernel, too, since
 * Linux 5.7. */
static bool is_wanted(struct listeners *l, size_t first, const char *dir, size_t len, ino_t ino)
{
	bool wanted = false;

	for (size_t i = first; i < l->n; i++)
		if (l->at[i].ino == (uint32_t)ino && is_at(l, i, dir, len))
			l->at[i].found = wanted = true;
	return wanted;
}

/* Qt binds in a directory of its own, and renames into the one above that. */
static void climb(struct listeners *l, size_t first, const char *dir, size_t len)
{
	for (size_t i = first; i < l->n; i++) {
		struct listener *at = &l->at[i];

		if (is_at(l, i, dir, len))
			at->gone = !at->found && ++at->up < LEVELS &&
				   dir_len(l->text + at->name, at->up);
	}
}

static int cover_found(struct cover *c, const char *path, struct err *e)
{
	struct stat st;
	int r = cover(c, path, &st, e);

	return is_nothing(r) ? 0 : r;
}

/* Looks where the listener first may be now, for all that may be there. */
static int search_dir(struct cover *c, struct listeners *l, size_t first, struct err *e)
{
	const char *name = l->text + l->at[first].name;
	size_t len = dir_len(name, l->at[first].up);
	char dir[PATH_MAX], path[PATH_MAX];
	const struct dirent *de;
	DIR *d;
	int r = 0;

	memcpy(dir, name, len);
	dir[len] = '\0';
	d = opendir(dir);
	if (!d && !is_nothing(-errno))
		return err_sys(e, -errno, "cannot list %.200s", dir);
	while (d && r == 0 && (errno = 0, de = readdir(d)))
		if ((de->d_type == DT_SOCK || de->d_type == DT_UNKNOWN) &&
		    is_wanted(l, first, dir, len, de->d_ino) &&
		    str_fmt(path, sizeof(path), "%s%s", dir, de->d_name) > 0)
			r = cover_found(c, path, e);
	if (r == 0 && d && errno)
		r = err_sys(e, -errno, "cannot list %.200s", dir);
	if (d)
		closedir(d);
	climb(l, first, dir, len);
	return r;
}

/* --- the whole ------------------------------------------------------------------------------- */

/* What there may be hundreds of is compared with these, so they are looked at once. */
static int begin(struct cover *c, struct err *e)
{
	const struct session *s = c->allowed->session;

	for (size_t i = 0; i < s->n_named; i++)
		if (fstat(s->named[i].fd, &c->named[i]) < 0)
			return err_sys(e, -errno, "cannot look at %.200s", s->named[i].path);
	if (mknod(DEAD, S_IFSOCK | 0600, 0) == 0)
		c->dead_fd = open(DEAD, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (c->dead_fd < 0 || fstat(c->dead_fd, &c->dead) < 0)
		return err_sys(e, -errno, "cannot make a dead socket");
	return 0;
}

/* Tells what is at the name, and whether the directory has to be searched. */
static int cover_name(struct cover *c, struct listener *at, const char *name, struct err *e)
{
	struct stat st;
	int r;

	if (is_in(name, c->allowed->session->runtime))
		return 0;
	r = cover(c, name, &st, e);
	/* A directory that the user may not enter hides it. */
	at->gone = at->ino && (r == -ENOENT ||
			       (r == 0 && ((uint32_t)st.st_ino != at->ino || st.st_nlink > 1)));
	return is_nothing(r) ? 0 : r;
}

int listeners_cover(struct listeners *l, const struct listeners_allowed *allowed, size_t *ret_dead,
		    struct err *e)
{
	struct cover c = {.allowed = allowed, .dir = -1, .dead_fd = -1};
	int r = l->n ? begin(&c, e) : 0;

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		const char *name = l->text + l->at[i].name;

		if (name[0] == '/' && !l->at[i].gone)
			r = cover_name(&c, &l->at[i], name, e);
	}
	for (size_t i = 0; i < l->n; i++)
		while (r == 0 && l->at[i].gone)
			r = search_dir(&c, l, i, e);
	/* From here on no path leads to it but those that it stands at. */
	if (l->n)
		unlink(DEAD);
	util_close(&c.dead_fd);
	util_close(&c.dir);
	*ret_dead = c.n;
	return r;
}
