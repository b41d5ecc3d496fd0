/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns /dev of the strict view. With the host's, a program reads what is typed into the user's
 * other terminals and writes on their screens, and makes a keyboard of /dev/uinput where the user
 * may. Must never show a node that is not named here. Called by ns/view.c.
 *
 * Terminals made inside are of a devpts of their own, so a number there says nothing about the
 * host's. The one terminal that comes along is therefore not at its old name; ttyname(3) looks
 * through /dev and finds /dev/console.
 */
#include "ns/dev.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/same.h"
#include "base/util.h"
#include "ns/mirror.h"

#define DEV_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define CONSOLE	  "/dev/console"

static const char *const nodes[] = {
	"null", "zero", "full", "random", "urandom", "tty", "fuse",
};

/* The card itself, where a display is allowed, by the kernel's drivers or by NVIDIA's. */
static const char *const cards[] = {
	"dri", "nvidiactl", "nvidia-modeset", "nvidia-uvm", "nvidia0", "nvidia1",
};

static const struct {
	const char *target, *name;
} links[] = {
	{"/proc/self/fd", "/dev/fd"},	    {"/proc/self/fd/0", "/dev/stdin"},
	{"/proc/self/fd/1", "/dev/stdout"}, {"/proc/self/fd/2", "/dev/stderr"},
	{"pts/ptmx", "/dev/ptmx"},
};

static int carry(int old_dev, const char *const names[], size_t n, struct err *e)
{
	char src[64], dst[64];
	struct stat st;

	for (size_t i = 0; i < n; i++) {
		if (fstatat(old_dev, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		snprintf(src, sizeof(src), "/proc/self/fd/%d/%s", old_dev, names[i]);
		snprintf(dst, sizeof(dst), "/dev/%s", names[i]);
		if (mirror_entry(src, dst, e) < 0)
			return e->code;
	}
	return 0;
}

static int mount_below(const char *name, const char *type, unsigned long flags, const char *options,
		       struct err *e)
{
	if (mkdir(name, 0755) < 0)
		return err_sys(e, -errno, "cannot make %s", name);
	if (mount(type, name, type, flags, options) == 0)
		return 0;
	/* A kernel without POSIX message queues: nobody outside has one either. */
	if (errno == ENODEV)
		return rmdir(name) < 0 ? err_sys(e, -errno, "cannot remove %s", name) : 0;
	return err_sys(e, -errno, "cannot mount a new %s", name);
}

/* --- the terminal of the caller --------------------------------------------------------------- */

/* The path of descriptor fd below the old /dev, if it is a terminal there. */
static bool find_terminal(int fd, int old_dev, char *ret, size_t size)
{
	char link[32], path[64];
	struct stat at_fd, at_path;
	ssize_t n;

	if (!isatty(fd))
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	if (!str_starts(path, "/dev/"))
		return false;
	/* Another devpts may have the same name: the container's that we were started from. */
	return fstat(fd, &at_fd) == 0 && fstatat(old_dev, path + 5, &at_path, 0) == 0 &&
	       same_stat(&at_fd, &at_path) &&
	       str_fmt(ret, size, "/proc/self/fd/%d/%s", old_dev, path + 5) > 0;
}

/* What /proc says of a descriptor is the name it was opened by, and musl believes nothing else. One
 * that cannot be opened anew (another user's, after su) stays as it is. */
static void reopen_streams(void)
{
	struct stat console, st;

	if (stat(CONSOLE, &console) < 0)
		return;
	for (int fd = 0; fd <= 2; fd++) {
		AUTO_CLOSE int new = -1;
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0 || fstat(fd, &st) < 0 || !same_stat(&st, &console))
			continue;
		flags &= O_ACCMODE | O_APPEND | O_NONBLOCK;
		new = open(CONSOLE, flags | O_NOCTTY | O_CLOEXEC);
		if (new >= 0)
			dup2(new, fd);
	}
}

static int bring_terminal(int old_dev, struct err *e)
{
	char path[PATH_MAX];

	for (int fd = 0; fd <= 2; fd++) {
		if (!find_terminal(fd, old_dev, path, sizeof(path)))
			continue;
		if (mirror_entry(path, CONSOLE, e) < 0)
			return e->code;
		reopen_streams();
		return 0;
	}
	return 0;
}

int ns_dev_make(int old_dev, bool display, struct err *e)
{
	int r;

	if (mount("tmpfs", "/dev", "tmpfs", DEV_FLAGS, "mode=0755,size=1m") < 0)
		return err_sys(e, -errno, "cannot mount a file system over /dev");
	r = carry(old_dev, nodes, ARRAY_SIZE(nodes), e);
	if (r == 0 && display)
		r = carry(old_dev, cards, ARRAY_SIZE(cards), e);
	r = r
		    ?: mount_below("/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
				   "newinstance,ptmxmode=0666,mode=0620", e);
	r = r ?: mount_below("/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777", e);
	r = r ?: mount_below("/dev/mqueue", "mqueue", DEV_FLAGS, NULL, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(links); i++)
		if (symlink(links[i].target, links[i].name) < 0)
			r = err_sys(e, -errno, "cannot make the link %s", links[i].name);
	r = r ?: bring_terminal(old_dev, e);
	return r;
}

int ns_dev_seal(struct err *e)
{
	if (mount(NULL, "/dev", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | DEV_FLAGS, NULL) < 0)
		return err_sys(e, -errno, "cannot make /dev read-only");
	return 0;
}
