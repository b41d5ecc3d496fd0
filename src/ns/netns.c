/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named network namespaces, and short visits to them. Every visit returns before the function does.
 */
#include "ns/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

int ns_netns_open(const char *dir, const char *name, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct statfs fs;
	char path[256];
	int type = 0;

	if (str_fmt(path, sizeof(path), "%s/%s", dir, name) < 0)
		return err_set(e, -ENAMETOOLONG, "namespace name '%s' is too long", name);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	if (fstatfs(fd, &fs) < 0)
		return err_sys(e, -errno, "cannot stat %s", path);
	if (fs.f_type == NSFS_MAGIC)
		type = ioctl(fd, NS_GET_NSTYPE);
	/* Who takes it for an empty file removes a namespace that others are in. */
	if (type < 0)
		return err_sys(e, -errno, "cannot ask what %s is", path);
	if (type != CLONE_NEWNET)
		return err_set(e, -EBADF, "%s is not a network namespace", path);
	return take_fd(&fd);
}

bool ns_netns_is_absent(int error)
{
	return error == -ENOENT || error == -EBADF;
}

/* As ip-netns(8): DIR must be a shared mount point, else a namespace made here would be invisible
 * in mount namespaces that exist already, and could not be unmounted in them. */
static int share_dir(const char *dir, struct err *e)
{
	int r = dir_make(dir, 0755, e);

	if (r < 0)
		return r;
	if (mount("", dir, "none", MS_SHARED | MS_REC, NULL) == 0)
		return 0;
	if (errno != EINVAL)
		return err_sys(e, -errno, "cannot make %s a shared mount", dir);
	if (mount(dir, dir, "none", MS_BIND | MS_REC, NULL) < 0)
		return err_sys(e, -errno, "cannot bind %s to itself", dir);
	if (mount("", dir, "none", MS_SHARED | MS_REC, NULL) < 0)
		return err_sys(e, -errno, "cannot make %s a shared mount", dir);
	return 0;
}

int ns_netns_create(const char *dir, const char *name, struct err *e)
{
	AUTO_CLOSE int back = -1, fd = -1, file = -1;
	char path[256];
	int r;

	if (str_fmt(path, sizeof(path), "%s/%s", dir, name) < 0)
		return err_set(e, -ENAMETOOLONG, "namespace name '%s' is too long", name);
	r = share_dir(dir, e);
	if (r < 0)
		return r;
	file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	if (file < 0)
		return err_sys(e, -errno, "cannot create namespace %s", path);
	back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (back < 0) {
		r = err_sys(e, -errno, "cannot open /proc/thread-self/ns/net");
		goto undo;
	}
	if (unshare(CLONE_NEWNET) < 0) {
		r = err_sys(e, -errno, "cannot create namespace %s", path);
		goto undo;
	}
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	r = fd < 0 ? -errno : 0;
	if (r == 0 && mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL) < 0)
		r = -errno;
	ns_netns_leave(&back);
	if (r == 0)
		return take_fd(&fd);
	err_sys(e, r, "cannot mount the new namespace on %s", path);
undo:
	unlink(path);
	return r;
}

int ns_netns_remove(const char *dir, const char *name, struct err *e)
{
	char path[256];

	if (str_fmt(path, sizeof(path), "%s/%s", dir, name) < 0)
		return err_set(e, -ENAMETOOLONG, "namespace name '%s' is too long", name);
	/* Several may be stacked where a killed run was repeated. */
	while (umount2(path, MNT_DETACH) == 0)
		;
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(e, -errno, "cannot remove %s", path);
	return 0;
}

int ns_netns_watch(const char *dir, struct err *e)
{
	AUTO_CLOSE int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0 || inotify_add_watch(fd, dir, IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF) < 0)
		return err_sys(e, -errno, "cannot watch %s", dir);
	return take_fd(&fd);
}

bool ns_netns_has_gone(int watch, const char *name)
{
	char buf[4096] __attribute__((aligned(8)));
	ssize_t n = read(watch, buf, sizeof(buf));

	if (n < 0)
		return errno != EAGAIN && errno != EINTR;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *ev = (const void *)(buf + at);

		/* An overflow or the directory's own end: who knows. */
		if (ev->len == 0 || strcmp(ev->name, name) == 0)
			return true;
		at += (ssize_t)(sizeof(*ev) + ev->len);
	}
	return false;
}

int ns_netns_make(struct err *e)
{
	AUTO_CLOSE int fd = -1;
	int r, back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (back < 0)
		return err_sys(e, -errno, "cannot open /proc/thread-self/ns/net");
	r = unshare(CLONE_NEWNET) < 0 ? -errno : 0;
	if (r == 0)
		fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (r == 0 && fd < 0)
		r = -errno;
	ns_netns_leave(&back);
	return r < 0 ? err_sys(e, r, "cannot make a network namespace") : take_fd(&fd);
}

int ns_netns_enter(int fd, int *ret_back, struct err *e)
{
	AUTO_CLOSE int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (back < 0)
		return err_sys(e, -errno, "cannot open /proc/thread-self/ns/net");
	if (setns(fd, CLONE_NEWNET) < 0)
		return err_sys(e, -errno, "cannot enter the VPN's network namespace");
	*ret_back = take_fd(&back);
	return 0;
}

void ns_netns_leave(int *back)
{
	if (*back >= 0 && setns(*back, CLONE_NEWNET) < 0) {
		log_error("cannot return to the own network namespace: %m");
		abort();
	}
	util_close(back);
}

int ns_nl_open(struct nl_sock *s, int netns_fd, int family, struct err *e)
{
	int back, r;

	r = ns_netns_enter(netns_fd, &back, e);
	if (r < 0)
		return r;
	r = nl_sock_open(s, family, e);
	ns_netns_leave(&back);
	return r;
}
