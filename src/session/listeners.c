/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists listeners. Names are others' words: they may be relative, not be there any more, or hold
 * any byte; nothing is opened here. Called by the launcher, in the host's namespaces.
 */
#include "session/listeners.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "nl/unixdiag.h"

#define PROC_MAX    (64u << 20)
#define ACCEPTS	    0x10000 /* the kernel's __SO_ACCEPTCON */
#define UNCONNECTED 1	    /* SS_UNCONNECTED */

static int grow(void **at, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 256;
	void *p = reallocarray(*at, more, size);

	if (!p)
		return -ENOMEM;
	*at = p;
	*room = more;
	return 0;
}

static int add(struct listeners *l, const char *name, size_t len, uint32_t ino, bool gone)
{
	union {
		char **text;
		struct listener **at;
		void **p;
	} u;

	if (l->n == l->room) {
		u.at = &l->at;
		if (grow(u.p, &l->room, sizeof(*l->at)) < 0)
			return -ENOMEM;
	}
	while (l->text_room - l->len < len + 1) {
		u.text = &l->text;
		if (grow(u.p, &l->text_room, 1) < 0)
			return -ENOMEM;
	}
	l->at[l->n++] = (struct listener){.name = l->len, .ino = ino, .gone = gone};
	memcpy(l->text + l->len, name, len);
	l->text[l->len + len] = '\0';
	l->len += len + 1;
	return 0;
}

/* Of the hidden /run a sandbox has the removable media. */
static bool is_hidden(const struct listeners *l, const char *name)
{
	for (size_t i = 0; l->hidden && l->hidden[i]; i++)
		if (str_starts(name, l->hidden[i]))
			return !str_starts(name, "/run/media/") && !str_starts(name, "/run/mount/");
	return false;
}

static int got_socket(const struct unixdiag *u, void *arg)
{
	struct listeners *l = arg;

	if (u->name[0] != '/')
		l->some_relative = true;
	else if (!is_hidden(l, u->name))
		return add(l, u->name, u->len, u->ino, false);
	return 0;
}

/* Where a program of another user's was, only its user could learn. */
static int got_relative(const struct unixdiag *u, void *arg)
{
	if (u->name[0] == '/' || (u->uid != geteuid() && u->uid != UINT32_MAX))
		return 0;
	return add(arg, u->name, u->len, u->ino, false);
}

void listeners_free(struct listeners *l)
{
	free(l->at);
	free(l->text);
	*l = (struct listeners)LISTENERS_INIT;
}

/* --- without sock_diag ----------------------------------------------------------------------- */

/* The name in a line "NUM: REF PROTO FLAGS TYPE ST INODE NAME"; NULL: it is none, but what follows
 * a newline in the name of the line before. Empty: nobody could connect. */
static const char *name_in(const char *line)
{
	unsigned long value[7];
	char *end;

	for (int i = 0; i < 7; i++) {
		line += strspn(line, " ");
		value[i] = strtoul(line, &end, i == 6 ? 10 : 16);
		if (*line == '\n' || end == line || (i < 6 && *end != (i ? ' ' : ':')))
			return NULL;
		line = end + (i == 0);
	}
	if (*line != ' ' && *line != '\n' && *line)
		return NULL;
	if (*line != ' ' || line[1] == '@' ||
	    (!(value[3] & ACCEPTS) && value[5] != UNCONNECTED && value[4] != SOCK_DGRAM))
		return "";
	return line + 1;
}

int listeners_parse(char *text, struct listeners *ret)
{
	const char *name = NULL;
	char *line, *next = strchr(text, '\n');
	int r = 0;

	for (line = next ? next + 1 : NULL; r == 0 && line && *line; line = next) {
		next = strchr(line, '\n');
		if (!name)
			name = name_in(line);
		if (next)
			next++;
		/* A name goes on in the next line if that is none of the table's. */
		if (next && *next && !name_in(next))
			continue;
		if (next)
			next[-1] = '\0';
		if (name && *name)
			ret->some_relative |= *name != '/';
		if (name && *name && !is_hidden(ret, name))
			r = add(ret, name, strlen(name), 0, false);
		name = NULL;
	}
	return r;
}

static int list_from_proc(struct listeners *ret, const char *pid, struct err *e)
{
	AUTO_FREE char *text = NULL;
	char path[40];
	int r;

	str_fmt(path, sizeof(path), "/proc/%s/net/unix", pid);
	r = file_read(path, PROC_MAX, &text, NULL, e);
	if (r == 0)
		r = listeners_parse(text, ret);
	return r < 0 ? err_sys(e, r, "cannot list the sockets that others listen on") : 0;
}

static int list_from(struct nl_sock *s, struct listeners *ret, struct err *e)
{
	bool before = ret->some_relative;
	int r;

	ret->some_relative = false;
	r = unixdiag_each(s, false, got_socket, ret, e);
	if (r == 0 && ret->some_relative)
		r = unixdiag_each(s, true, got_relative, ret, e);
	ret->some_relative |= before;
	return r == -ENOMEM ? err_set(e, r, "out of memory") : r;
}

/* Most have none, and to ask with the inodes takes a process of its own. */
static int list_other(pid_t pid, void *arg)
{
	struct nl_sock s AUTO_NL_SOCK = NL_SOCK_INIT;
	struct listeners *l = arg, some = {.hidden = l->hidden};
	char text[16];
	bool any;
	int fd, r;

	str_fmt(text, sizeof(text), "%d", pid);
	/* It may have ended. */
	any = list_from_proc(&some, text, NULL) == 0 && some.n;
	listeners_free(&some);
	if (!any)
		return 0;
	fd = others_open_diag(pid);
	if (fd < 0)
		r = list_from_proc(l, text, NULL);
	else if ((r = nl_sock_adopt(&s, fd, NULL)) == 0)
		r = list_from(&s, l, NULL);
	return r == -ENOMEM ? r : 0;
}

/* --- relative names -------------------------------------------------------------------------- */

/* Each relative name, as it would be from that directory: one that is there, or may have been. */
static int resolve_in(struct listeners *l, size_t n, const char *dir)
{
	char path[PATH_MAX];
	struct stat st;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const char *name = l->text + l->at[i].name;
		uint32_t ino = l->at[i].ino;
		int len;

		if (name[0] == '/')
			continue;
		len = str_fmt(path, sizeof(path), "%s/%s", strcmp(dir, "/") ? dir : "", name);
		if (len < 0)
			continue;
		if (lstat(path, &st) < 0 || (ino && (uint32_t)st.st_ino != ino))
			r = ino ? add(l, path, strlen(path), ino, true) : 0;
		else
			r = add(l, path, strlen(path), ino, false);
	}
	return r;
}

/* Where wineserver was if there was no runtime directory: it goes away when it has bound. */
static int resolve_wine(struct listeners *l, size_t n)
{
	char dir[PATH_MAX], path[PATH_MAX];
	const struct dirent *de;
	int r = 0;
	DIR *d;

	str_fmt(dir, sizeof(dir), "/tmp/.wine-%u", geteuid());
	d = opendir(dir);
	while (d && r == 0 && (de = readdir(d)))
		if (de->d_name[0] != '.' &&
		    str_fmt(path, sizeof(path), "%s/%s", dir, de->d_name) > 0)
			r = resolve_in(l, n, path);
	if (d)
		closedir(d);
	return r;
}

/* Else a program binds a relative name where it is, and rarely goes away from there. */
static int resolve(struct listeners *l, struct err *e)
{
	char link[PATH_MAX], dir[PATH_MAX], last[PATH_MAX] = "";
	DIR *d = opendir("/proc");
	const struct dirent *de;
	size_t n = l->n;
	int r = resolve_wine(l, n);

	if (!d)
		return err_sys(e, -errno, "cannot list /proc");
	while (r == 0 && (errno = 0, de = readdir(d))) {
		ssize_t len;

		if (de->d_name[0] < '1' || de->d_name[0] > '9')
			continue;
		str_fmt(link, sizeof(link), "/proc/%s/cwd", de->d_name);
		len = readlink(link, dir, sizeof(dir) - 1);
		if (len <= 0)
			continue;
		dir[len] = '\0';
		if (dir[0] != '/' || !strcmp(dir, last))
			continue;
		memcpy(last, dir, (size_t)len + 1);
		r = resolve_in(l, n, dir);
	}
	if (r == 0 && errno)
		r = err_sys(e, -errno, "cannot list /proc");
	else if (r < 0)
		err_set(e, r, "out of memory");
	closedir(d);
	return r;
}

int listeners_list(struct listeners *ret, const struct others *others, struct err *e)
{
	struct nl_sock s AUTO_NL_SOCK = NL_SOCK_INIT;
	int r = nl_sock_open(&s, NETLINK_SOCK_DIAG, e);

	if (r == 0)
		r = list_from(&s, ret, e);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		ret->n = ret->len = 0;
		r = list_from_proc(ret, "self", e);
	}
	if (r == 0)
		r = others_each(others, list_other, ret, e);
	return r == 0 && ret->some_relative ? resolve(ret, e) : r;
}
