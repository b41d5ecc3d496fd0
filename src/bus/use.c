/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches the programs of the session by pidfds. When one ends, what it left in its network counts
 * in its place: a program that went into the background is still there. To look for that takes a
 * walk through all processes, so it waits until nobody else uses the session or the table is full.
 * Must never wait for anyone. Called by the main of vpnrun-session.
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

/* Where no descriptor is left, a launch waits in the queue for as long as this. */
#define AGAIN_MS 100

/* A launch: it has a connection until it becomes its command, and a pidfd until that ends. */
struct program {
	int conn, pidfd; /* -1: none */
	ino_t netns;	 /* 0: not known */
	bool ignored;	 /* the bus itself, which is heard out, for its launch is one like others */
	bool ended;	 /* what it left in its network is not looked for yet */
};

static struct program programs[USE_PROGRAMS_MAX];
static size_t n_slots;
static int listener = -1;
static bool paused; /* the listener is not watched */
static pid_t ignored = -1;

static struct program *find(int fd)
{
	for (size_t i = 0; i < n_slots; i++)
		if (programs[i].conn == fd || programs[i].pidfd == fd)
			return &programs[i];
	return NULL;
}

static bool is_watched(const struct program *p)
{
	return p->conn >= 0 || p->pidfd >= 0;
}

static void let_go(int *fd)
{
	if (*fd >= 0)
		bus_loop_remove(*fd);
	util_close(fd);
}

/* --- what is left in a network --------------------------------------------------------------- */

static ino_t netns_of(int proc, const char *pid)
{
	char path[64];
	struct stat st;

	if (str_fmt(path, sizeof(path), "%s/ns/net", pid) < 0 || fstatat(proc, path, &st, 0) < 0)
		return 0;
	return st.st_ino;
}

/* The one whose command has ended and whose network this is. */
static struct program *find_ended(ino_t netns)
{
	for (size_t i = 0; netns && i < n_slots; i++)
		if (programs[i].ended && programs[i].netns == netns)
			return &programs[i];
	return NULL;
}

static void on_end(int fd, void *arg)
{
	struct program *p = find(fd);

	(void)arg;
	if (!p)
		return;
	let_go(&p->pidfd);
	p->ended = p->netns && !p->ignored;
}

static void watch(struct program *p, int proc, const char *name, pid_t pid)
{
	AUTO_CLOSE int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	/* The number may have come to mean another process in between. */
	if (fd < 0 || netns_of(proc, name) != p->netns || bus_loop_add(fd, on_end, NULL) < 0)
		return;
	p->pidfd = take_fd(&fd);
	p->ended = false;
}

/* Finds, for each network that a command left, any process that is still there. */
static void look_for_rest(void)
{
	DIR *proc = opendir("/proc");
	const struct dirent *d;

	while (proc && (d = readdir(proc))) {
		struct program *p;
		uint64_t pid;

		if (str_uint(d->d_name, 1, INT32_MAX, &pid) < 0)
			continue;
		p = find_ended(netns_of(dirfd(proc), d->d_name));
		if (p)
			watch(p, dirfd(proc), d->d_name, (pid_t)pid);
	}
	if (proc)
		closedir(proc);
	for (size_t i = 0; i < n_slots; i++)
		programs[i].ended = false;
}

static size_t count(void)
{
	size_t n = 0;

	for (size_t i = 0; i < n_slots; i++)
		n += !programs[i].ignored && is_watched(&programs[i]);
	return n;
}

size_t use_count(void)
{
	size_t n = count();

	if (n)
		return n;
	for (size_t i = 0; i < n_slots; i++)
		if (programs[i].ended) {
			look_for_rest();
			return count();
		}
	return 0;
}

static struct program *free_slot(void)
{
	for (int again = 0; again < 2; again++) {
		for (size_t i = 0; i < n_slots; i++)
			if (!is_watched(&programs[i]) && !programs[i].ended)
				return &programs[i];
		if (n_slots < USE_PROGRAMS_MAX)
			return &programs[n_slots++];
		look_for_rest();
	}
	return NULL;
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

/* The queue stays as it is, and the loop would turn without end. */
static void pause_listening(void)
{
	bus_loop_remove(listener);
	paused = true;
}

static bool take_one(void)
{
	AUTO_CLOSE int conn = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct program *p;

	if (conn < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
		pause_listening();
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

int use_again(void)
{
	if (paused) {
		paused = bus_loop_add(listener, on_launch, NULL) < 0;
		on_launch(listener, NULL);
	}
	return paused ? AGAIN_MS : -1;
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
