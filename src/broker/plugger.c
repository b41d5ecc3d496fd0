/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting the plugger and asking it. Requests of all workers lie in one queue, which the plugger
 * goes through in order; each carries the socket for its answer, so that no worker hears another's.
 * Must never pass on a descriptor that whose_check_kind() has not looked at: the plugger closes
 * what it is sent, and a client's file could hold it up. Called by vpnrund.c and broker/session.c.
 */
#include "broker/plugger.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/log.h"
#include "base/util.h"
#include "box/caps.h"
#include "box/isolate.h"

#define NAME	 "vpnrund-plug"
#define READY_MS 20000
#define DIALS	 50 /* 100 ms after each other */
#define DIAL_NS	 100000000
#define LOOKS	 5 /* at the limit, 20 ms after the first and twice as long after each */
#define LOOK_NS	 20000000

/* --- starting -------------------------------------------------------------------------------- */

static int find_program(char *ret, size_t size, struct err *e)
{
	char *slash;
	ssize_t n = readlink("/proc/self/exe", ret, size - sizeof(NAME));

	if (n < 0)
		return err_sys(e, -errno, "cannot find out where " NAME " is (/proc/self/exe)");
	ret[n] = '\0';
	slash = strrchr(ret, '/');
	memcpy(slash ? slash + 1 : ret, NAME, sizeof(NAME));
	return 0;
}

struct start {
	char program[256];
	int sock;
};

/* In the child. Returns only if it could not. */
static int become_plugger(void *arg)
{
	char *const argv[] = {(char[]){NAME}, NULL}, *const env[] = {NULL};
	const struct start *s = arg;
	struct err e = ERR_INIT;

	/* A terminal's Ctrl-C is the front's: the plugger ends when the front has. */
	setsid();
	if (dup2(s->sock, STDIN_FILENO) < 0)
		err_sys(&e, -errno, "cannot hand on a socket");
	if (e.code == 0 && isolate_for_plugger(&e) == 0 && isolate_fds(NULL, 0, &e) == 0) {
		execve(s->program, argv, env);
		err_sys(&e, -errno, "cannot start %s", s->program);
	}
	log_error("%s", e.msg);
	return 1;
}

static int start_it(struct err *e)
{
	AUTO_CLOSE int here = -1;
	AUTO_CLOSE int there = -1;
	struct start s;
	int pair[2], r;

	if (!box_caps_has(ISOLATE_CAP))
		return err_set(e, -EPERM,
			       "the broker needs CAP_NET_ADMIN: start it as root, or by systemd "
			       "with `systemctl start vpnrund.socket`");
	r = find_program(s.program, sizeof(s.program), e);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, -errno, "cannot make a socket pair");
	here = pair[0];
	there = pair[1];
	s.sock = there;
	r = child_start(CHILD_PLAIN_SIGNALS, become_plugger, &s);
	if (r < 0)
		return err_sys(e, r, "cannot make a process for " NAME);
	return take_fd(&here);
}

static int dial(const char *path, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	AUTO_CLOSE int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return err_sys(e, -errno, "cannot make a socket");
	if (str_copy(sa.sun_path, sizeof(sa.sun_path), path) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of a socket is too long: %s", path);
	if (connect(sock, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_sys(e, -errno,
			       "cannot reach the plugger at %s (`systemctl status "
			       "vpnrund-plug.socket`)",
			       path);
	return take_fd(&sock);
}

/* -ECONNRESET: hung up on before it was ready. */
static int wait_ready(int fd, const char *path, struct err *e)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct plug_answer ready;
	ssize_t got = -1;
	int n;

	do {
		n = poll(&p, 1, READY_MS);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		got = recv(fd, &ready, sizeof(ready), MSG_DONTWAIT);
	if (got == (ssize_t)sizeof(ready))
		return 0;
	return err_set(e, got == 0 || (n == 1 && errno == ECONNRESET) ? -ECONNRESET : -EPIPE,
		       "the plugger, " NAME ", did not start%s",
		       path ? " (`journalctl -u vpnrund-plug@*`)" : "");
}

/* systemd has one plugger at a time, and hangs up while the one of the broker before is still
 * ending. */
int plugger_start(const char *path, struct err *e)
{
	const struct timespec nap = {.tv_nsec = DIAL_NS};

	for (int tries = 1;; tries++) {
		AUTO_CLOSE int fd = path ? dial(path, e) : start_it(e);
		int r = fd < 0 ? fd : wait_ready(fd, path, e);

		if (r == 0)
			return take_fd(&fd);
		if (!path || r != -ECONNRESET || tries == DIALS)
			return r;
		nanosleep(&nap, NULL);
	}
}

/* --- asking ---------------------------------------------------------------------------------- */

int plugger_open(struct plugger *p, int fd, struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, -errno, "cannot make a socket pair");
	*p = (struct plugger){.fd = fd, .here = pair[0], .answers = pair[1]};
	return 0;
}

void plugger_close(struct plugger *p)
{
	util_close(&p->fd);
	util_close(&p->here);
	util_close(&p->answers);
}

static int send_request(const struct plugger *p, struct plug_head *q, const struct peer *peer,
			int netns_fd, struct err *e)
{
	const int fds[2] = {p->answers, netns_fd};
	struct iovec iov[2] = {
		{q, sizeof(*q)},
		{peer->groups, q->n_groups * sizeof(gid_t)},
	};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(fds))];
	} control = {0};
	struct msghdr m = {
		.msg_iov = iov,
		.msg_iovlen = ARRAY_SIZE(iov),
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	return sendmsg(p->fd, &m, MSG_NOSIGNAL) < 0
		       ? err_sys(e, -errno, "the broker cannot ask its plugger")
		       : 0;
}

static int ask_once(const struct plugger *p, struct plug_head *q, const struct peer *peer,
		    int netns_fd, struct plug_answer *a, struct err *e)
{
	int r = send_request(p, q, peer, netns_fd, e);
	ssize_t n;

	if (r < 0)
		return r;
	n = recv(p->here, a, sizeof(*a), 0);
	if (n < 0)
		return err_sys(e, -errno, "the broker cannot hear its plugger");
	if (n != (ssize_t)sizeof(*a))
		return err_set(e, -EPROTO,
			       "what the broker's plugger answers is not an answer: restart "
			       "vpnrund");
	a->msg[sizeof(a->msg) - 1] = '\0';
	return a->code < 0 ? err_set(e, a->code, "%s", a->msg) : 0;
}

int plugger_ask(struct plugger *p, const struct plug_wish *w, const struct peer *peer,
		uint32_t *ret_host, struct err *e)
{
	struct timespec nap = {.tv_nsec = LOOK_NS};
	struct plug_answer a;
	struct plug_head q = {
		.magic = PLUG_MAGIC,
		.place = peer->place,
		.uid = peer->uid,
		.gid = peer->gid,
		.is_lan = w->lan,
		.n_groups = (uint32_t)(peer->n_groups > PLUG_GROUPS_MAX ? PLUG_GROUPS_MAX
									: peer->n_groups),
	};
	int r;

	str_copy(q.vpn, sizeof(q.vpn), w->vpn);
	r = ask_once(p, &q, peer, w->netns_fd, &a, e);
	/* The cables of sandboxes that have just ended are there for some milliseconds yet. */
	for (int i = 1; r == -EDQUOT && i < LOOKS; i++) {
		nanosleep(&nap, NULL);
		nap.tv_nsec *= 2;
		r = ask_once(p, &q, peer, w->netns_fd, &a, e);
	}
	if (r == 0)
		*ret_host = a.host;
	return r;
}
