/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See confdir.h. Every change begins its files by one name, since changes wait for each other: what
 * a killed one left, which may hold a private key, is gone with the next, whatever that one is
 * about. Called by the commands that write VPNs' files.
 */
#include "files/confdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/same.h"
#include "base/util.h"
#include "base/vpn.h"
#include "conf/conf.h"
#include "state/record.h"

#define BEGUN	    ".import.new"
#define BEGUN_DIR   ".import.dir"
#define IMPORT_LOCK RUN_DIR "/-import.lock" /* no VPN is called so */

/* A directory with its files, and with the directories in it, so many levels down. */
static void remove_tree(int at, const char *name, int levels)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!dir) {
		util_close(&fd);
		return;
	}
	while ((de = readdir(dir)))
		if (unlinkat(fd, de->d_name, 0) < 0 && levels && de->d_name[0] != '.')
			remove_tree(fd, de->d_name, levels - 1);
	closedir(dir);
	unlinkat(at, name, AT_REMOVEDIR);
}

/* VPN_CONFIG_DIR itself must be root's alone: who can rename in it can swap a key's file. */
int confdir_open(struct confdir *d, struct err *e)
{
	struct stat st;
	int r;

	if (mkdir(VPN_CONFIG_DIR, 0755) == 0)
		d->created = true;
	else if (errno != EEXIST)
		return err_sys(e, -errno, "cannot create " VPN_CONFIG_DIR);
	d->fd = open(VPN_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd < 0)
		return err_sys(e, -errno, "cannot open " VPN_CONFIG_DIR);
	/* mkdir(2) took the umask off. */
	if (d->created && fchmod(d->fd, 0755) < 0)
		return err_sys(e, -errno, "cannot set the mode of " VPN_CONFIG_DIR);
	if (fstat(d->fd, &st) < 0)
		return err_sys(e, -errno, "cannot look at " VPN_CONFIG_DIR);
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return err_set(e, -EPERM,
			       VPN_CONFIG_DIR " must belong to root and be writable by root "
					      "only: chown root " VPN_CONFIG_DIR
					      "; chmod 755 " VPN_CONFIG_DIR);
	/* Two imports at once must not choose one id. The directory itself everybody could lock. */
	if (record_make_dir(e) < 0)
		return -EIO;
	d->lock = open(IMPORT_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = d->lock < 0 ? -errno : progress_lock(d->lock, VPN_CONFIG_DIR);
	if (r < 0)
		return err_sys(e, r, "cannot lock " IMPORT_LOCK);
	unlinkat(d->fd, BEGUN, 0);
	confdir_drop_aside(d);
	return 0;
}

void confdir_close(struct confdir *d, bool failed)
{
	if (d->fd >= 0)
		fsync(d->fd);
	/* Only a directory that is empty goes: rmdir(2) sees to that. */
	if (failed && d->created)
		rmdir(VPN_CONFIG_DIR);
	util_close(&d->fd);
	util_close(&d->lock);
}

static int begin(const struct confdir *d, const void *data, size_t len, mode_t mode)
{
	AUTO_CLOSE int fd = -1;
	int r;

	unlinkat(d->fd, BEGUN, 0);
	fd = openat(d->fd, BEGUN, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, data, len);
	if (!r && fchmod(fd, mode) < 0)
		r = -errno;
	if (!r && fsync(fd) < 0)
		r = -errno;
	return r;
}

int confdir_put(const struct confdir *d, const char *name, const void *data, size_t len,
		mode_t mode)
{
	int r = begin(d, data, len, mode);

	if (!r && linkat(d->fd, BEGUN, d->fd, name, 0) < 0)
		r = -errno;
	unlinkat(d->fd, BEGUN, 0);
	return r;
}

int confdir_swap(const struct confdir *d, const char *name, const void *data, size_t len,
		 mode_t mode)
{
	int r = begin(d, data, len, mode);

	if (!r && renameat(d->fd, BEGUN, d->fd, name) < 0)
		r = -errno;
	unlinkat(d->fd, BEGUN, 0);
	return r;
}

bool confdir_is_leftover(const struct confdir *d, const char *name, const char *text, size_t len)
{
	AUTO_CLOSE int fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_FREE char *there = NULL;
	struct stat st;
	size_t n = 0;
	bool same;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 ||
	    (st.st_mode & 0177) || st.st_nlink != 1 ||
	    file_read_fd(fd, CONF_SIZE_MAX, &there, &n) < 0)
		return false;
	same = n == len && !memcmp(there, text, len);
	util_wipe(there, n);
	return same;
}

int confdir_read(const struct confdir *d, const char *name, struct conf_text *ret)
{
	AUTO_CLOSE int fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return file_read_fd(fd, CONF_SIZE_MAX, &ret->at, &ret->len);
}

int confdir_has(const struct confdir *d, const char *name)
{
	struct stat st;

	if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

int confdir_remove(const struct confdir *d, const char *name)
{
	return unlinkat(d->fd, name, 0) < 0 ? -errno : 0;
}

int confdir_link(const struct confdir *d, const char *name, const char *other)
{
	return linkat(d->fd, name, d->fd, other, 0) < 0 ? -errno : 0;
}

bool confdir_is_same(const struct confdir *d, const char *name, const char *other)
{
	struct stat a, b;

	return fstatat(d->fd, name, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(d->fd, other, &b, AT_SYMLINK_NOFOLLOW) == 0 && same_stat(&a, &b);
}

int confdir_rename(const struct confdir *d, const char *from, const char *to)
{
	return renameat2(d->fd, from, d->fd, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

int confdir_begin_dir(const struct confdir *d, struct confdir *ret)
{
	if (mkdirat(d->fd, BEGUN_DIR, 0700) < 0)
		return -errno;
	ret->fd = openat(d->fd, BEGUN_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return ret->fd < 0 ? -errno : 0;
}

int confdir_end_dir(const struct confdir *d, struct confdir *begun, const char *name)
{
	int r = name && (fchmod(begun->fd, 0755) < 0 || fsync(begun->fd) < 0) ? -errno : 0;

	util_close(&begun->fd);
	if (r == 0 && name)
		r = confdir_rename(d, BEGUN_DIR, name);
	if (r < 0 || !name)
		confdir_remove_dir(d, BEGUN_DIR);
	return r;
}

int confdir_swap_dir(const struct confdir *d, struct confdir *begun, const char *name)
{
	int r = 0;

	if (begun && (fchmod(begun->fd, 0755) < 0 || fsync(begun->fd) < 0))
		r = -errno;
	if (begun)
		util_close(&begun->fd);
	if (r == 0 && renameat2(d->fd, BEGUN_DIR, d->fd, name, RENAME_EXCHANGE) < 0)
		r = -errno;
	return r;
}

/* The place of a directory that is set aside: within the one that the next change takes away. */
static int aside_path(const char *name, char *ret, size_t size)
{
	return str_fmt(ret, size, BEGUN_DIR "/%s", name) < 0 ? -ENAMETOOLONG : 0;
}

int confdir_set_aside(const struct confdir *d, const char *name)
{
	char to[sizeof(BEGUN_DIR) + NAME_MAX];
	int r = aside_path(name, to, sizeof(to));

	if (r == 0 && mkdirat(d->fd, BEGUN_DIR, 0700) < 0 && errno != EEXIST)
		r = -errno;
	return r ?: confdir_rename(d, name, to);
}

int confdir_put_back(const struct confdir *d, const char *name)
{
	char from[sizeof(BEGUN_DIR) + NAME_MAX];
	int r = aside_path(name, from, sizeof(from));

	return r ?: confdir_rename(d, from, name);
}

void confdir_drop_aside(const struct confdir *d)
{
	remove_tree(d->fd, BEGUN_DIR, 1);
}

void confdir_remove_dir(const struct confdir *d, const char *name)
{
	remove_tree(d->fd, name, 0);
}
