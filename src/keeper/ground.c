/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the lock of a supervisor and finds the namespace that it is for. Must never keep that one
 * alive, nor let a child hold the lock. Called by keeper/supervise_run.c.
 */
#include "keeper/ground.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/same.h"
#include "base/util.h"
#include "ns/netns.h"
#include "state/record.h"
#include "tunnel/supervise_lock.h"

/* The lock says that the supervisor lives: no child that ends a moment later, as the one that loads
 * the firewall, may say so in its place. Children that exec lose it there. */
static int lock_of_parent = -1;

static void close_lock_in_child(void)
{
	util_close(&lock_of_parent);
}

int ground_lock(struct ground *g, struct err *e)
{
	char path[64], text[16];
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int r = supervise_path(g->name, "supervisor", path, sizeof(path), e);

	if (r < 0)
		return r;
	for (int tries = 0; tries < 10; tries++) {
		AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0)
			return err_sys(e, -errno, "cannot open %s", path);
		if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
			return err_sys(e, -errno, "another supervisor of %s is running", g->name);
		/* A predecessor may have removed the file between our open and our lock. */
		if (!same_fd_path(fd, path))
			continue;
		str_fmt(text, sizeof(text), "%d\n", getpid());
		if (ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) < 0)
			return err_sys(e, -errno, "cannot write %s", path);
		g->lock_fd = take_fd(&fd);
		lock_of_parent = g->lock_fd;
		r = pthread_atfork(NULL, NULL, close_lock_in_child);
		return r ? err_sys(e, -r, "cannot keep %s to this process", path) : 0;
	}
	return err_set(e, -EBUSY, "%s does not stay", path);
}

void ground_unlock(struct ground *g)
{
	char path[64];

	if (g->lock_fd >= 0 && supervise_path(g->name, "supervisor", path, sizeof(path), NULL) == 0)
		unlink(path);
	util_close(&g->lock_fd);
}

int ground_open(struct ground *g, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (g->layout == LAYOUT_BRIDGE)
		fd = ns_netns_open("/proc/self/ns", "net", e);
	else
		fd = ns_netns_open(NETNS_DIR, g->name, e);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot stat " NETNS_DIR "/%s", g->name);
	if (g->ns_ino == 0) {
		g->ns_dev = st.st_dev;
		g->ns_ino = st.st_ino;
	}
	if (!same_numbers(&st, g->ns_dev, g->ns_ino))
		return err_set(e, -ESTALE, NETNS_DIR "/%s is another namespace by now", g->name);
	return take_fd(&fd);
}

bool ground_has_gone(int error)
{
	return ns_netns_is_absent(error) || error == -ESTALE;
}

bool ground_is_wanted(struct ground *g)
{
	AUTO_CLOSE int ns = ground_open(g, NULL);
	struct stat ours, there;
	char path[64];

	if (ns < 0)
		return !ground_has_gone(ns);
	if (supervise_path(g->name, "supervisor", path, sizeof(path), NULL) < 0)
		return false;
	if (stat(path, &there) < 0)
		return errno != ENOENT;
	return fstat(g->lock_fd, &ours) < 0 || same_stat(&ours, &there);
}
