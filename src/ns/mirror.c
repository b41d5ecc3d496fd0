/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bind mounts follow no later change of the host's directory, which is the point in /run (what is
 * started later stays out) and the price in the copied /etc. Must never follow a symbolic link of
 * the source: the link itself is made anew and leads wherever it leads inside. Called by ns/view.c
 * and ns/etc.c.
 */
#include "ns/mirror.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

static int make_link(const char *src, const char *dst, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlink(src, target, sizeof(target) - 1);

	if (n < 0)
		return err_sys(e, -errno, "cannot read the link %s", src);
	target[n] = '\0';
	if (symlink(target, dst) < 0 && errno != EEXIST)
		return err_sys(e, -errno, "cannot make the link %s", dst);
	return 0;
}

static int make_place(const char *dst, mode_t kind, struct err *e)
{
	int fd;

	if (S_ISDIR(kind)) {
		if (mkdir(dst, 0755) < 0 && errno != EEXIST)
			return err_sys(e, -errno, "cannot make %s", dst);
		return 0;
	}
	fd = open(dst, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno != EEXIST)
		return err_sys(e, -errno, "cannot make %s", dst);
	util_close(&fd);
	return 0;
}

int mirror_entry(const char *src, const char *dst, struct err *e)
{
	struct stat st;
	int r;

	if (lstat(src, &st) < 0)
		return err_sys(e, -errno, "cannot look at %s", src);
	if (S_ISLNK(st.st_mode))
		return make_link(src, dst, e);
	r = make_place(dst, st.st_mode, e);
	if (r < 0)
		return r;
	if (mount(src, dst, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_sys(e, -errno, "cannot bind %s", dst);
	return 0;
}

int mirror_dir(const char *src, const char *dst, bool (*skip)(const char *name, void *arg),
	       void *arg, struct err *e)
{
	char from[PATH_MAX], to[PATH_MAX];
	const struct dirent *de;
	DIR *d = opendir(src);

	if (!d)
		return err_sys(e, -errno, "cannot list %s", src);
	while ((de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..") || skip(de->d_name, arg))
			continue;
		if (str_fmt(from, sizeof(from), "%s/%s", src, de->d_name) < 0 ||
		    str_fmt(to, sizeof(to), "%s/%s", dst, de->d_name) < 0)
			continue;
		if (mirror_entry(from, to, NULL) < 0)
			unlink(to);
	}
	closedir(d);
	return 0;
}

int mirror_make_parents(const char *path, struct err *e)
{
	char buf[PATH_MAX];
	char *slash;

	if (str_copy(buf, sizeof(buf), path) < 0)
		return err_set(e, -ENAMETOOLONG, "cannot make %s: name too long", path);
	slash = strrchr(buf, '/');
	if (!slash || slash == buf)
		return 0;
	*slash = '\0';
	return dir_make(buf, 0755, e);
}
