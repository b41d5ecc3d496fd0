/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See servers.h. Reads names and one link, never a file's text. Must never take a name for a path:
 * each is checked before it becomes one.
 */
#include "conf/servers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/near.h"
#include "base/util.h"
#include "conf/value.h"

#define CHOSEN	SERVERS_CHOSEN
#define CHOOSES ".chosen.new"
#define SUFFIX	".conf"

bool server_is_name(const char *s)
{
	size_t len = strlen(s);

	if (len < 1 || len > SERVER_MAX_LEN || s[0] == '.' || s[0] == '-' ||
	    !strcmp(s, SERVER_NEXT) || !strcmp(s, SERVER_RANDOM))
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || strchr("/\"\\", *s))
			return false;
	return true;
}

void servers_free(struct servers *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->names[i]);
	free(s->names);
	*s = (struct servers){0};
}

/* The name of "SERVER.conf"; -ENOENT: it is another file. */
static int name_of(const char *file, char ret[SERVER_MAX_LEN + 1])
{
	size_t len = strlen(file), end = sizeof(SUFFIX) - 1;

	if (file[0] == '.' || len <= end || strcmp(file + len - end, SUFFIX) != 0)
		return -ENOENT;
	if (len - end > SERVER_MAX_LEN)
		return -EINVAL;
	memcpy(ret, file, len - end);
	ret[len - end] = '\0';
	return server_is_name(ret) ? 0 : -EINVAL;
}

static int add(struct servers *s, const char *dir, const char *file, struct err *e)
{
	char name[SERVER_MAX_LEN + 1], shown[VALUE_SHOW_MAX];
	int r = name_of(file, name);
	char **more;

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r,
			       "%s: %s is not a server's name with " SUFFIX
			       ": 1 to %d printable characters without blanks are; rename it",
			       dir, value_show(file, shown), SERVER_MAX_LEN);
	if (s->n == SERVERS_MAX)
		return err_set(e, -E2BIG, "%s has more than %d servers: take some away", dir,
			       SERVERS_MAX);
	more = reallocarray(s->names, s->n + 1, sizeof(*more));
	if (!more)
		return err_sys(e, -ENOMEM, "cannot read %s", dir);
	s->names = more;
	s->names[s->n] = strdup(name);
	if (!s->names[s->n])
		return err_sys(e, -ENOMEM, "cannot read %s", dir);
	s->n++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strverscmp(*x, *y);
}

static int read_all(DIR *d, const char *dir, struct servers *s, struct err *e)
{
	struct dirent *de;
	struct stat st;
	int r = 0;

	if (fstat(dirfd(d), &st) < 0)
		return err_sys(e, -errno, "cannot look at %s", dir);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, -EPERM,
			       "%s must be writable by its owner only, as who writes there can put "
			       "a key of their own in: chmod 755 %s",
			       dir, dir);
	errno = 0;
	while (r == 0 && (de = readdir(d))) {
		r = add(s, dir, de->d_name, e);
		errno = 0;
	}
	if (r == 0 && errno)
		r = err_sys(e, -errno, "cannot read %s", dir);
	if (r == 0 && !s->n)
		r = err_set(e, -ENOENT, "%s has no server in it: SERVER" SUFFIX " is one", dir);
	return r;
}

int servers_list(const char *dir, struct servers *ret, struct err *e)
{
	struct servers s = {0};
	DIR *d = opendir(dir);
	int r;

	if (!d)
		return err_sys(e, -errno, "cannot read the servers in %s", dir);
	r = read_all(d, dir, &s, e);
	closedir(d);
	if (r < 0) {
		servers_free(&s);
		return r;
	}
	qsort(s.names, s.n, sizeof(*s.names), compare);
	*ret = s;
	return 0;
}

size_t servers_find(const struct servers *s, const char *name)
{
	size_t i = 0;

	while (i < s->n && strcmp(s->names[i], name) != 0)
		i++;
	return i;
}

int servers_fail_unknown(const struct servers *s, const char *vpn, const char *name, struct err *e)
{
	char shown[VALUE_SHOW_MAX];

	for (size_t i = 0; i < s->n; i++)
		if (near_name(name, s->names[i]))
			return err_set(e, -ENOENT, "%s has no server %s; did you mean %s?", vpn,
				       value_show(name, shown), s->names[i]);
	return err_set(e, -ENOENT, "%s has no server %s; all %zu are listed by: vpnctl switch %s",
		       vpn, value_show(name, shown), s->n, vpn);
}

/* --- the choice ------------------------------------------------------------------------------ */

size_t servers_chosen(const char *dir, const struct servers *s)
{
	char path[PATH_MAX], to[NAME_MAX + 1], name[SERVER_MAX_LEN + 1];
	ssize_t n;
	size_t i;

	if (str_fmt(path, sizeof(path), "%s/" CHOSEN, dir) < 0)
		return 0;
	n = readlink(path, to, sizeof(to) - 1);
	if (n <= 0)
		return 0;
	to[n] = '\0';
	i = name_of(to, name) == 0 ? servers_find(s, name) : s->n;
	return i < s->n ? i : 0;
}

static int put_link(int dir, const char *to)
{
	if (unlinkat(dir, CHOOSES, 0) < 0 && errno != ENOENT)
		return -errno;
	return symlinkat(to, dir, CHOOSES) < 0 || renameat(dir, CHOOSES, dir, CHOSEN) < 0 ? -errno
											  : 0;
}

int servers_choose(const char *dir, const char *name, struct err *e)
{
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char to[SERVER_MAX_LEN + sizeof(SUFFIX)];
	int r = fd < 0 ? -errno : 0;

	if (r == 0 && (!server_is_name(name) || str_fmt(to, sizeof(to), "%s" SUFFIX, name) < 0))
		r = -EINVAL;
	r = r ?: put_link(fd, to);
	if (r < 0)
		unlinkat(fd, CHOOSES, 0);
	return r < 0 ? err_sys(e, r, "cannot write %s/" CHOSEN, dir) : 0;
}

/* --- the order ------------------------------------------------------------------------------- */

/* How many parts, each with the '-' behind it, two names begin with in common. */
static size_t n_common(const char *a, const char *b)
{
	size_t n = 0;

	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		n += a[i] == '-';
	return n;
}

/* Less is sooner. */
static size_t rank(const struct servers *s, size_t home, size_t now, size_t i)
{
	size_t parts = n_common(s->names[i], s->names[home]);

	if (i == home)
		return 0;
	return (SERVER_MAX_LEN + 1 - parts) * SERVERS_MAX + (i + s->n - now) % s->n;
}

size_t servers_order(const struct servers *s, size_t home, size_t now, size_t *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		size_t at = n;

		if (i == now)
			continue;
		for (; at && rank(s, home, now, ret[at - 1]) > rank(s, home, now, i); at--)
			ret[at] = ret[at - 1];
		ret[at] = i;
		n++;
	}
	return n;
}
