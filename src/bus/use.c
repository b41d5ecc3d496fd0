/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches the programs of the session by pidfds. When one ends, what it left in its network counts
 * in its place: a program that went into the background is still there. Must never wait for anyone.
 * Called by the main of vpnrun-session.
 */
#include "bus/use.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "bus/loop.h"
#include "ipc/use.h"

/* A launch: it has a connection until it becomes its command, and a pidfd until that ends. */
struct program {
	int conn, pidfd; /* -1: none; both: the place is free */
	ino_t netns;	 /* 0: not known */
	bool ignored;	 /* the bus itself, which is heard out, for its launch is one like others */
};

static struct program programs[USE_PROGRAMS_MAX];
static size_t n_slots;
static int listener = -1;
static pid_t ignored = -1;

static struct program *find(int fd)
{
	for (size_t i = 0; i < n_slots; i++)
		if (programs[i].conn == fd || programs[i].pidfd == fd)
			return &programs[i];
	return NULL;
}

static struct program *free_slot(void)
{
	for (size_t i = 0; i < n_slots; i++)
		if (programs[i].conn < 0 && programs[i].pidfd < 0)
			return &programs[i];
	return n_slots < USE_PROGRAMS_MAX ? &programs[n_slots++] : NULL;
}

static void let_go(int *fd)
{
	if (*fd >= 0)
		bus_loop_remove(*fd);
	util_close(fd);
}

size_t use_count(void)
{
	size_t n = 0;

	for (size_t i = 0; i < n_slots; i++)
		n += !programs[i].ignored && (programs[i].conn >= 0 || programs[i].pidfd >= 0);
	return n;
}

/* --- what is left in a network --------------------------------------------------------------- */

static bool is_in(int proc, const char *pid, ino_t netns)
{
	char path[64];
	struct stat st;

	return str_fmt(path, sizeof(path), "%s/ns/net", pid) > 0 &&
	       fstatat(proc, path, &st, 0) == 0 && st.st_ino == netns;
}

/* A pidfd of any process in the network, -1: there is none. */
static int find_in(ino_t netns)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	int fd = -1;

	while (proc && fd < 0 && (d = readdir(proc))) {
		uint64_t pid;

		if (str_uint(d->d_name, 1, INT32_MAX, &pid) < 0 ||
		    !is_in(dirfd(proc), d->d_name, netns))
			continue;
		fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
		/* The number may have come to mean another process in between. */
		if (fd >= 0 && !is_in(dirfd(proc), d->d_name, netns))
			util_close(&fd);
	}
	if (proc)
		closedir(proc);
	return fd;
}

static void on_end(int fd, void *arg)
{
	struct program *p = find(fd);

	(void)arg;
	if (!p)
		return;
	let_go(&p->pidfd);
	if (!p->netns)
		return;
	p->pidfd = find_in(p->netns);
	if (p->pidfd >= 0 && bus_loop_add(p->pidfd, on_end, NULL) < 0)
		util_close(&p->pidfd);
}

/* --- launches -------------------------------------------------------------------------------- */

union fd_control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

/* 1: a message, 0: none yet, -1: the end, or nonsense. */
static int receive(int conn, struct use_message *m, int *ret_fd)
{
	union fd_control control;
	struct iovec iov = {.iov_base = m, .iov_len = sizeof(*m)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(conn, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	*ret_fd = -1;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (CMSG_FIRSTHDR(&msg) && control.head.cmsg_level == SOL_SOCKET &&
	    control.head.cmsg_type == SCM_RIGHTS && control.head.cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(&control.head), sizeof(int));
	return n == (ssize_t)sizeof(*m) && m->magic == USE_MAGIC ? 1 : -1;
}

static void on_message(int fd, void *arg)
{
	struct program *p = find(fd);
	struct use_message m;
	AUTO_CLOSE int pidfd = -1;
	int r;

	(void)arg;
	if (!p)
		return;
	r = receive(fd, &m, &pidfd);
	if (r > 0 && m.netns)
		p->netns = (ino_t)m.netns;
	if (r > 0 && !p->ignored && p->pidfd < 0 && pidfd >= 0 &&
	    bus_loop_add(pidfd, on_end, NULL) == 0)
		p->pidfd = take_fd(&pidfd);
	if (r < 0)
		let_go(&p->conn);
}

static bool is_ignored(int conn)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || who.pid == ignored;
}

static bool take_one(void)
{
	AUTO_CLOSE int conn = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct program *p;

	if (conn < 0)
		return false;
	p = free_slot();
	if (!p)
		return true;
	*p = (struct program){.conn = -1, .pidfd = -1, .ignored = is_ignored(conn)};
	if (bus_loop_add(conn, on_message, NULL) < 0)
		return true;
	p->conn = take_fd(&conn);
	on_message(p->conn, NULL);
	return true;
}

static void on_launch(int fd, void *arg)
{
	(void)fd;
	(void)arg;
	while (take_one())
		;
}

int use_begin(int control, struct err *e)
{
	int flags = fcntl(control, F_GETFL);

	listener = control;
	if (flags < 0 || fcntl(control, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(e, -errno, "cannot listen for launches");
	return bus_loop_add(control, on_launch, NULL);
}

void use_ignore(pid_t pid)
{
	ignored = pid;
}

bool use_end(int dir)
{
	if (renameat(dir, USE_CONTROL, dir, USE_CONTROL ".old") < 0 && errno != ENOENT)
		return false;
	on_launch(listener, NULL);
	if (use_count()) {
		renameat(dir, USE_CONTROL ".old", dir, USE_CONTROL);
		return false;
	}
	shutdown(listener, SHUT_RDWR);
	unlinkat(dir, USE_CONTROL ".old", 0);
	return true;
}
