/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See netnsfiles.h. Ours are known by their first line.
 */
#include "up/netnsfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "ns/names.h"

#define DIR_FMT "/etc/netns/%s"
#define MARK	"# VPN "

static const char *const names[] = {"resolv.conf", "nsswitch.conf"};

/* Ours to write: it is not there, is empty or begins as ours do. What cannot be read is not for
 * that somebody else's: the VPN's programs would be left with names of nobody. */
static int is_ours(const char *path, bool *ret, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char head[sizeof(MARK)] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(MARK) - 1);

	/* A link, a socket or a directory is somebody's. */
	*ret = n < 0 ? errno == ENOENT : n == 0 || str_starts(head, MARK);
	if (n < 0 && errno != ENOENT && errno != ELOOP && errno != ENXIO && errno != EISDIR)
		return err_sys(e, -errno, "cannot read %s", path);
	return 0;
}

static int path_of(const char *name, const char *file, char *ret, size_t size)
{
	return str_fmt(ret, size, DIR_FMT "/%s", name, file) < 0 ? -ENAMETOOLONG : 0;
}

int netnsfiles_check(const char *name, struct err *e)
{
	struct stat st;
	char path[256];

	if (str_fmt(path, sizeof(path), DIR_FMT, name) < 0)
		return err_set(e, -ENAMETOOLONG, "the name '%s' is too long", name);
	if (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_set(e, -ENOTDIR, "%s is not a directory", path);
	return 0;
}

/* The host's nsswitch.conf with files and dns alone for hosts: every other source would ask the
 * host's own services through sockets. */
static int make_nsswitch(const char *name, char **ret, struct err *e)
{
	static const char spare[] = "passwd: files\ngroup: files\n";
	AUTO_FREE char *host = NULL, *text = NULL;
	size_t len;
	int r = file_read("/etc/nsswitch.conf", 65536, &host, &len, NULL);

	/* A host without one is one thing; what cannot be read is not the same as absent. */
	if (r < 0 && r != -ENOENT)
		return err_sys(e, r, "cannot read /etc/nsswitch.conf");
	if (r < 0)
		r = names_nsswitch(spare, sizeof(spare) - 1, &text, &len);
	else
		r = names_nsswitch(host, len, &text, &len);
	if (r < 0 || asprintf(ret, MARK "%s: written by vpnctl up, removed by vpnctl down\n%s",
			      name, text) < 0)
		return err_set(e, -ENOMEM, "cannot write nsswitch.conf of %s: no memory", name);
	return 0;
}

int netnsfiles_write(const char *name, const char *resolv_conf, struct err *e)
{
	AUTO_FREE char *nsswitch = NULL;
	char path[256];
	bool ours;
	int r;

	if (str_fmt(path, sizeof(path), DIR_FMT, name) < 0)
		return err_set(e, -ENAMETOOLONG, "the name '%s' is too long", name);
	r = dir_make(path, 0755, e);
	if (r == 0)
		r = make_nsswitch(name, &nsswitch, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
		const char *text = i ? nsswitch : resolv_conf;

		r = path_of(name, names[i], path, sizeof(path));
		r = r ?: is_ours(path, &ours, e);
		if (r == 0 && ours)
			r = file_rewrite(path, text, strlen(text), 0644, e);
	}
	return r;
}

int netnsfiles_want(const char *name, const char *resolv_conf, struct want_list *l, struct err *e)
{
	AUTO_FREE char *nsswitch = NULL;
	char path[256];
	bool ours;
	int r = make_nsswitch(name, &nsswitch, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
		const char *text = i ? nsswitch : resolv_conf;

		r = path_of(name, names[i], path, sizeof(path));
		r = r ?: is_ours(path, &ours, e);
		if (r == 0 && ours)
			want_add_file(l, path, text, strlen(text));
	}
	return r;
}

int netnsfiles_remove(const char *name, struct err *e)
{
	char path[256];
	bool ours;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (path_of(name, names[i], path, sizeof(path)) < 0)
			return err_set(e, -ENAMETOOLONG, "the name '%s' is too long", name);
		r = is_ours(path, &ours, e);
		if (r == 0 && ours)
			r = file_remove(path, e);
		if (r < 0)
			return r;
	}
	snprintf(path, sizeof(path), DIR_FMT, name);
	rmdir(path); /* only if nothing else is in it */
	rmdir("/etc/netns");
	return 0;
}
