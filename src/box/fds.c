/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An inherited socket keeps the network it was made in, a directory is a way around every mask, a
 * namespace or a tun device is a door: what is not known to be harmless is closed. Must never close
 * a standard stream, and never keep what it does not know. Called by the launcher first of all,
 * while every descriptor there is was inherited.
 */
#include "box/fds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

int box_fds_guard_stdio(struct err *e)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* The lowest free number is this one. Close-on-exec: the command finds it closed.
		 */
		if (open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
			return err_sys(e, -errno, "cannot open /dev/null");
	}
	return 0;
}

/* File systems whose regular files hold data and nothing else are the rule; these are files that
 * are handles of something. On a real disk there are none of them. */
static bool is_handle(int fd, const struct stat *st)
{
	struct statfs fs;

	if (major(st->st_dev) != 0)
		return false;
	if (fstatfs(fd, &fs) < 0)
		return true;
	switch ((unsigned long)fs.f_type) {
	case NSFS_MAGIC:
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case ANON_INODE_FS_MAGIC:
	case 0x50494446: /* pidfs, 6.9 */
	case BPF_FS_MAGIC:
	case DEBUGFS_MAGIC:
	case TRACEFS_MAGIC:
	case SECURITYFS_MAGIC:
	case SELINUX_MAGIC:
		return true;
	default:
		return false;
	}
}

static bool is_plain_device(int fd, dev_t rdev)
{
	if (major(rdev) == 1) {
		switch (minor(rdev)) {
		case 3: /* null, zero, full, random, urandom, kmsg: systemd's StandardOutput=kmsg */
		case 5:
		case 7:
		case 8:
		case 9:
		case 11:
			return true;
		default:
			return false;
		}
	}
	/* The master of a terminal types into whatever runs on the other side. */
	if (rdev == makedev(5, 2))
		return false;
	return isatty(fd);
}

bool box_fds_is_harmless(int fd, const struct stat *st)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (flags & O_PATH))
		return false;
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return !is_handle(fd, st);
	case S_IFIFO:
		return true;
	case S_IFCHR:
		return is_plain_device(fd, st->st_rdev);
	default:
		return false;
	}
}

static bool is_named(int fd, const int *keep, size_t n_keep)
{
	for (size_t i = 0; i < n_keep; i++)
		if (keep[i] == fd)
			return true;
	return false;
}

static bool is_kept(int fd, const int *keep, size_t n_keep)
{
	struct stat st;

	return is_named(fd, keep, n_keep) || (fstat(fd, &st) == 0 && box_fds_is_harmless(fd, &st));
}

static const char *kind_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	case S_IFREG:
		return "a handle of the kernel's";
	default:
		return "not a file, a pipe, a terminal or a socket";
	}
}

int box_fds_check_stdio(const int *keep, size_t n_keep, struct err *e)
{
	static const char *const names[] = {"standard input", "standard output", "standard error"};
	struct stat st;

	for (int fd = 0; fd <= 2; fd++) {
		if (is_named(fd, keep, n_keep))
			continue;
		if (fstat(fd, &st) < 0)
			return err_sys(e, -errno, "cannot look at %s", names[fd]);
		if (S_ISSOCK(st.st_mode) || box_fds_is_harmless(fd, &st))
			continue;
		return err_set(e, -EINVAL,
			       "%s is %s, by which the command could reach what is hidden from it; "
			       "give it a file or a pipe, or say --keep-fd %d",
			       names[fd], kind_name(st.st_mode), fd);
	}
	return 0;
}

int box_fds_filter(const int *keep, size_t n_keep, unsigned int *ret_closed, struct err *e)
{
	AUTO_CLOSE int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char buf[2048] __attribute__((aligned(8)));
	unsigned int closed = 0;
	ssize_t n;

	if (dir < 0)
		return err_sys(e, -errno, "cannot open /proc/self/fd");
	for (size_t i = 0; i < n_keep; i++)
		if (keep[i] == dir || fcntl(keep[i], F_GETFD) < 0)
			return err_set(e, -EBADF, "--keep-fd %d: no such descriptor is open",
				       keep[i]);
	/* The kernel lists them in order of their number: closing on the way skips none. */
	while ((n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *de = (const void *)(buf + at);
			uint64_t fd;

			at += de->d_reclen;
			if (str_uint(de->d_name, 3, INT32_MAX, &fd) < 0 || (int)fd == dir ||
			    is_kept((int)fd, keep, n_keep))
				continue;
			/* close(2) frees the number even where it reports an error; what is
			 * still there in spite of it would be a way around the sandbox. */
			if (close((int)fd) < 0 && fcntl((int)fd, F_GETFD) >= 0)
				return err_set(e, -EBADF,
					       "cannot close the inherited descriptor %d", (int)fd);
			closed++;
		}
	}
	if (n < 0)
		return err_sys(e, -errno, "cannot list /proc/self/fd");
	*ret_closed = closed;
	return 0;
}
