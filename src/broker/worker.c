/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * To close what a stranger sent can block, and so can the last close of a connection that something
 * was sent on. So connections end in here, where the time that it takes is the stranger's own.
 *
 * Should: be the last to hold the connection; be used again, for to make a process costs half as
 * much as to serve a request. Mustn't: outlive the server; hold the plugger's socket while a close
 * may hang, for the plugger ends when nobody holds its other end.
 *
 * Called by broker/crew.c.
 */
#include "broker/worker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/child.h"
#include "base/log.h"
#include "base/util.h"
#include "box/isolate.h"
#include "broker/session.h"

/* *ret_conn is the caller's. 0: the server has closed the channel. */
static ssize_t take(int channel, struct worker_task *w, int *ret_conn)
{
	struct iovec iov = {w, sizeof(*w)};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	const struct cmsghdr *c;
	ssize_t n;

	do {
		n = recvmsg(channel, &m, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c)
		memcpy(ret_conn, CMSG_DATA(c), sizeof(int));
	return n;
}

/* A task, when nobody else holds its connection any more. A client's bad word is answered and
 * thrown away in less time than the server may wait for the processor between sending the
 * connection and closing its own copy; then that would be the last close, and hold up everybody. */
static bool receive(int channel, struct worker_task *w, int *ret_conn)
{
	ssize_t n = take(channel, w, ret_conn);
	char byte;

	if (n == 0 || *ret_conn < 0)
		return n != 0;
	do {
		n = recv(channel, &byte, 1, 0);
	} while (n < 0 && errno == EINTR);
	return n == 1;
}

/* The names are for ps(1). */
static void serve(int channel, struct plugger *plugger)
{
	for (;;) {
		struct worker_task w = {0};
		int conn = -1, bad = -1;

		prctl(PR_SET_NAME, "vpnrund/idle");
		if (!receive(channel, &w, &conn))
			return;
		prctl(PR_SET_NAME, "vpnrund/busy");
		/* Without its descriptor a connection has been thrown away by the kernel. */
		if (conn >= 0 && w.code)
			session_refuse(conn, &w.peer, w.code, w.sentence);
		else if (conn >= 0)
			bad = session_serve(conn, &w.peer, w.alone, plugger);
		close(conn);
		if (bad >= 0) {
			plugger_close(plugger);
			close(channel);
			close(bad);
			return;
		}
		session_end();
		if (send(channel, "", 1, MSG_NOSIGNAL) < 0)
			return;
	}
}

struct begin {
	int channel, plugger_fd;
};

/* Runs in the child. */
static int begin(void *arg)
{
	const struct begin *b = arg;
	struct plugger plugger;
	struct err e = ERR_INIT;

	signal(SIGPIPE, SIG_IGN); /* nobody may read the log any more */
	signal(SIGINT, SIG_IGN);  /* a terminal's Ctrl-C is the server's */
	/* Other clients' connections and the listening socket are not this one's. */
	if (isolate_fds((const int[]){b->channel, b->plugger_fd}, 2, &e) < 0 ||
	    plugger_open(&plugger, b->plugger_fd, &e) < 0) {
		log_error("%s", e.msg);
		return 1;
	}
	serve(b->channel, &plugger);
	return 0;
}

int worker_start(int plugger_fd, pid_t *ret_pid, struct err *e)
{
	AUTO_CLOSE int here = -1;
	AUTO_CLOSE int there = -1;
	struct begin b = {.plugger_fd = plugger_fd};
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, -errno, "cannot make a socket pair");
	here = pair[0];
	b.channel = there = pair[1];
	/* Its signals are as they are by default, the alarm above all; it ends with the server. */
	pid = child_start(CHILD_DIES_WITH_US | CHILD_PLAIN_SIGNALS, begin, &b);
	if (pid < 0)
		return err_sys(e, pid, "cannot make a process");
	*ret_pid = pid;
	return take_fd(&here);
}

static int send_task(int channel, const struct worker_task *w, int conn)
{
	struct worker_task copy = *w;
	struct iovec iov = {&copy, sizeof(copy)};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = CMSG_SPACE(sizeof(int)),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &conn, sizeof(int));
	return sendmsg(channel, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int worker_give(int channel, const struct worker_task *w, int conn)
{
	int r = send_task(channel, w, conn);

	if (r < 0)
		return r;
	close(conn);
	if (send(channel, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		shutdown(channel, SHUT_WR); /* so that it ends, rather than wait for the word */
	return 0;
}
