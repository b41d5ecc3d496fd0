/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns R as a sandbox has it: the session's directory, or one of the sandbox's own, with the
 * desktop's own sockets bound into it. What lies in the session's directory was put there by
 * confined programs: must never follow a link in it, and mounts by descriptor alone. Called by the
 * launcher, in the new mount namespace.
 */
#include "session/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/same.h"
#include "base/util.h"
#include "ns/mirror.h"
#include "session/ssh.h"

#define PLACE_TRIES 8
#define DIR_PATH    (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Entries of R, by the beginning of the name; those of a directory by "DIR/BEGINNING". What is not
 * listed is not there: the buses, systemd's, containers', dirmngr's, GVfs's, other servers'. */
static const struct row {
	unsigned int class;
	const char *dir;   /* "": R itself */
	const char *begin; /* ends with '/': the directory of exactly that name, whole */
} rows[] = {
	{SESSION_WAYLAND, "", "wayland-"},
	{SESSION_X11, "", ".mutter-Xwaylandauth."},
	{SESSION_X11, "", "xauth_"},
	{SESSION_X11, "gdm", "Xauthority"},
	{SESSION_SOUND, "", "pipewire-0"},
	{SESSION_SOUND, "", "pulse/"},
	{SESSION_AGENTS, "gnupg", "S.gpg-agent"},
	{SESSION_AGENTS, "gnupg", "S.keyboxd"},
	{SESSION_AGENTS, "keyring", "ssh"},
	{SESSION_AGENTS, "gcr", "ssh"},
	{SESSION_HELP, "", "doc/"},
	{SESSION_HELP, "", "dconf/"}, /* a byte by which readers learn that the file is new */
	{SESSION_HELP, "at-spi", "bus"},
};

/* The variables that name such a thing. */
static const struct {
	unsigned int class;
	const char *variable;
	const char *before; /* what stands before the path */
	bool relative;	    /* a name is one in R */
} variables[] = {
	{SESSION_WAYLAND, "WAYLAND_DISPLAY", "", true},
	{SESSION_X11, "XAUTHORITY", "", false},
	{SESSION_SOUND, "PIPEWIRE_REMOTE", "", true},
	{SESSION_SOUND, "PULSE_SERVER", "unix:", false},
	{SESSION_AGENTS, "SSH_AUTH_SOCK", "", false},
};
_Static_assert(ARRAY_SIZE(variables) < SESSION_NAMED_MAX, "a place for each variable, and more");

static void fd_path(int fd, char *ret, size_t size)
{
	snprintf(ret, size, "/proc/self/fd/%d", fd);
}

/* --- places in the session's directory ------------------------------------------------------- */

static bool is_place(mode_t mode, bool dir)
{
	return dir ? S_ISDIR(mode) : S_ISREG(mode) || S_ISSOCK(mode);
}

/* An entry of that kind to mount over, made if it is not there. What a program left in its place is
 * removed: it is the session's, and so ours. */
static int open_place(int at, const char *name, bool dir)
{
	struct stat st;

	for (int i = 0; i < PLACE_TRIES; i++) {
		int fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0 && fstat(fd, &st) == 0 && is_place(st.st_mode, dir))
			return fd;
		if (fd >= 0) {
			util_close(&fd);
			if (unlinkat(at, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0)
				return -errno;
		} else if (errno != ENOENT)
			return -errno;
		if (dir) {
			if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
				return -errno;
			continue;
		}
		fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 && errno != EEXIST)
			return -errno;
		util_close(&fd);
	}
	return -EBUSY;
}

/* The place for R/rel, with the directories before it. */
static int open_places(const struct session *s, const char *rel, bool dir)
{
	AUTO_CLOSE int at = openat(s->inside, ".", DIR_PATH);
	char name[NAME_MAX + 1];
	const char *slash;

	while (at >= 0 && (slash = strchr(rel, '/')) && slash[1]) {
		int next;

		if (str_fmt(name, sizeof(name), "%.*s", (int)(slash - rel), rel) < 0 ||
		    !strcmp(name, "..") || !strcmp(name, ".") || !name[0])
			return -EINVAL;
		next = open_place(at, name, true);
		if (next < 0)
			return next;
		util_close(&at);
		at = next;
		rel = slash + 1;
	}
	if (at < 0)
		return -errno;
	if (str_fmt(name, sizeof(name), "%.*s", (int)strcspn(rel, "/"), rel) < 0 || !name[0] ||
	    !strcmp(name, "..") || !strcmp(name, "."))
		return -EINVAL;
	return open_place(at, name, dir);
}

static int bind_fds(int from, int to, bool dir)
{
	char src[32], dst[32];

	fd_path(from, src, sizeof(src));
	fd_path(to, dst, sizeof(dst));
	return mount(src, dst, NULL, MS_BIND | (dir ? MS_REC : 0), NULL) < 0 ? -errno : 0;
}

/* Puts what from is at R/rel. */
static int bind_at(const struct session *s, int from, const char *rel, bool dir)
{
	AUTO_CLOSE int to = open_places(s, rel, dir);

	return to < 0 ? to : bind_fds(from, to, dir);
}

/* A link is followed: it is the real R's, of the desktop's own making. */
static void bind_entry(const struct session *s, const char *rel, bool dir)
{
	AUTO_CLOSE int from = openat(s->outside, rel, O_PATH | O_CLOEXEC);
	int r = from < 0 ? -errno : bind_at(s, from, rel, dir);

	if (r < 0)
		log_debug("%s/%s is left out: %s", s->runtime, rel, strerror(-r));
}

/* --- the allow-list -------------------------------------------------------------------------- */

/* Whether name, in the directory dir of R, is listed; *ret_dir: as a directory. */
static bool is_listed(const struct session *s, const char *dir, const char *name, bool *ret_dir)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		size_t len;
		bool whole;

		if (name[0] != row->begin[0] || !(s->classes & row->class) ||
		    strcmp(row->dir, dir) != 0)
			continue;
		len = strlen(row->begin);
		whole = row->begin[len - 1] == '/';
		if (whole ? strncmp(name, row->begin, len - 1) != 0 || name[len - 1]
			  : !str_starts(name, row->begin) || str_ends(name, ".lock"))
			continue;
		*ret_dir = whole;
		return true;
	}
	return false;
}

static bool is_listed_dir(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].dir[0] == name[0] && !strcmp(rows[i].dir, name))
			return true;
	return false;
}

/* rel: "" for R, or a directory of it; kind: the dir of its rows. */
static void bind_listed(const struct session *s, const char *rel, const char *kind)
{
	int fd = openat(s->outside, *rel ? rel : ".",
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *de;
	char path[PATH_MAX];

	if (!d) {
		util_close(&fd);
		return;
	}
	while ((de = readdir(d))) {
		const char *name = de->d_name;
		bool dir = false, listed = is_listed(s, kind, name, &dir);
		bool deeper = !listed && !*kind && name[0] != '.' && is_listed_dir(name);
		bool home = !strcmp(rel, "gnupg") && str_starts(name, "d.");

		/* Of hundreds of entries few are wanted. */
		if ((!listed && !deeper && !home) ||
		    str_fmt(path, sizeof(path), "%s%s%s", rel, *rel ? "/" : "", name) < 0)
			continue;
		if (listed)
			bind_entry(s, path, dir);
		else /* home: the sockets of another GNUPGHOME */
			bind_listed(s, path, deeper ? name : kind);
	}
	closedir(d);
}

/* --- what variables name --------------------------------------------------------------------- */

static const char *below(const char *path, const char *root)
{
	size_t len = strlen(root);

	return !strncmp(path, root, len) && path[len] == '/' ? path + len + 1 : NULL;
}

static void open_named(struct session *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		struct session_named *n = &s->named[s->n_named];
		const char *value = getenv(variables[i].variable);

		if (!(s->classes & variables[i].class) || !value)
			continue;
		if (str_starts(value, variables[i].before))
			value += strlen(variables[i].before);
		if (str_starts(value, "/var/run/"))
			value += strlen("/var"); /* the same, by a link */
		if (value[0] != '/' && !(variables[i].relative && *value && s->has_runtime))
			continue;
		if (str_fmt(n->path, sizeof(n->path), "%s%s%s", value[0] == '/' ? "" : s->runtime,
			    value[0] == '/' ? "" : "/", value) < 0)
			continue;
		n->fd = open(n->path, O_PATH | O_CLOEXEC);
		if (n->fd >= 0)
			s->n_named++;
	}
	if (s->classes & SESSION_AGENTS)
		session_ssh_agents(s, getenv("HOME"));
}

/* What lies neither in R nor in /run has its place already. */
static void bind_named(const struct session *s)
{
	for (size_t i = 0; i < s->n_named; i++) {
		const struct session_named *n = &s->named[i];
		const char *rel = below(n->path, s->runtime);
		int r = 0;

		if (rel)
			r = bind_at(s, n->fd, rel, false);
		else if (below(n->path, "/run") && !strstr(n->path, "/..")) {
			AUTO_CLOSE int to = -1;

			r = mirror_make_parents(n->path, NULL);
			if (r == 0)
				r = to = open_place(AT_FDCWD, n->path, false);
			if (r >= 0)
				r = bind_fds(n->fd, to, false);
		}
		if (r < 0)
			log_debug("%s is left out: %s", n->path, strerror(-r));
	}
}

/* --- R itself -------------------------------------------------------------------------------- */

int session_enter(struct session *s, struct err *e)
{
	struct stat before, now;

	open_named(s);
	if (!s->has_runtime)
		return 0;
	s->outside = open(s->runtime, DIR_PATH);
	if (s->outside < 0)
		return err_sys(e, -errno, "cannot open %s", s->runtime);
	if (s->run < 0)
		return 0;
	if (fstat(s->run, &before) < 0)
		return err_sys(e, -errno, "cannot look at the session's directory");
	/* A descriptor of the old mount namespace cannot be bound in the new one. */
	util_close(&s->run);
	s->run = openat(s->outside, "vpnrun", DIR_PATH);
	for (int i = 0; s->run >= 0 && i < 2; i++) {
		AUTO_CLOSE int at = take_fd(&s->run);

		s->run = openat(at, i ? "run" : s->name, DIR_PATH);
	}
	if (s->run < 0 || fstat(s->run, &now) < 0)
		return err_sys(e, -errno, "cannot open %s/vpnrun/%s/run", s->runtime, s->name);
	if (!same_stat(&now, &before))
		return err_set(e, -EAGAIN,
			       "%s/vpnrun/%s was replaced while the sandbox was made: try again",
			       s->runtime, s->name);
	return 0;
}

/* A directory of the new /run is the sandbox's own already. */
static int cover_runtime(const struct session *s, struct err *e)
{
	bool in_run = below(s->runtime, "/run");
	int r = in_run ? dir_make(s->runtime, 0700, e) : 0;
	char src[32];

	if (r < 0)
		return err_wrap(e, r, "cannot make the sandbox's XDG_RUNTIME_DIR");
	fd_path(s->run, src, sizeof(src));
	if (s->run >= 0 ? mount(src, s->runtime, NULL, MS_BIND, NULL) < 0
			: !in_run && mount("tmpfs", s->runtime, "tmpfs", MS_NOSUID | MS_NODEV,
					   "mode=0700,size=16m") < 0)
		return err_sys(e, -errno, "cannot mount over %s", s->runtime);
	return 0;
}

int session_mount(struct session *s, struct err *e)
{
	int r = cover_runtime(s, e);

	if (r < 0)
		return r;
	s->inside = open(s->runtime, DIR_PATH);
	if (s->inside < 0)
		return err_sys(e, -errno, "cannot open %s", s->runtime);
	if (s->outside >= 0)
		bind_listed(s, "", "");
	bind_named(s);
	return 0;
}

int session_allow(struct session *s, const char *path, struct err *e)
{
	const char *rel = below(path, s->runtime);
	AUTO_CLOSE int from = -1;
	struct stat st;
	int r;

	if (!rel || !*rel)
		return 0;
	from = s->outside < 0 ? -1 : openat(s->outside, rel, O_PATH | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) < 0)
		return err_sys(e, s->outside < 0 ? -ENOENT : -errno, "cannot look at it");
	r = bind_at(s, from, rel, S_ISDIR(st.st_mode));
	return r < 0 ? err_sys(e, r, "cannot bind it") : 1;
}
