/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker's loop. One process, which accepts; each connection is served by a worker with a
 * deadline (broker/session.c), so that a client can stall only what serves it.
 *
 * Should: share workers and places in the queue fairly between users, whose subordinate uids count
 * as themselves. A few connections of each get a worker at once, which is ready when the request
 * comes; the others wait in the queue until there is something to read, and whoever has the fewest
 * workers goes first.
 * Mustn't: read a byte from a client; be the last to hold a connection that something was sent on
 * (to close it is to close what is in its queue, which can block): who is turned away is turned
 * away by a worker, too. Nothing a client does may end the loop.
 *
 * Called by vpnrund.c.
 */
#include "broker/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "broker/crew.h"
#include "broker/session.h"

#define PENDING_MAX	1024
#define POLL_TRIES	1000 /* in a row */
#define ACCEPTS_A_ROUND 64

/* These are in the poll set; after them come the workers' channels, and then those who wait. */
enum { POLL_SIGNALS, POLL_LISTEN, POLL_PLUGGER, POLLS };

struct pending {
	int fd;
	bool ready; /* there is something to read, or the client has gone */
	struct peer peer;
	int64_t since_ms; /* it came, or became ready */
};

struct server {
	int listen_fd;
	int signal_fd;
	bool stop;
	int64_t active_ms;
	struct crew crew;
	struct pending pending[PENDING_MAX]; /* oldest first */
	size_t n_pending;
	size_t pending_max; /* what the limit of open files leaves */
	struct pollfd polls[POLLS + CREW_SIZE + PENDING_MAX];
};

/* Its pages are touched only as far as there are clients. */
static struct server server;

int server_signals(struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return err_sys(e, -errno, "cannot block signals");
	/* Whoever started us may have ignored them, and ignored children are never reaped. */
	for (int sig = SIGHUP; sig <= SIGSYS; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			signal(sig, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_sys(e, -errno, "cannot make a signal descriptor") : fd;
}

static void pending_remove(struct server *s, size_t i)
{
	s->n_pending--;
	memmove(&s->pending[i], &s->pending[i + 1], (s->n_pending - i) * sizeof(s->pending[0]));
}

/* The next to be served: of those with something to read, one of the user with the fewest workers,
 * the oldest first. -1: none may. */
static ssize_t pending_pick(const struct server *s)
{
	size_t best_count = CREW_PER_USER, count = 0;
	uid_t counted = (uid_t)-1;
	ssize_t best = -1;

	for (size_t i = 0; i < s->n_pending; i++) {
		const struct pending *p = &s->pending[i];

		if (!p->ready)
			continue;
		if (p->peer.owner != counted) {
			counted = p->peer.owner;
			count = crew_count_user(&s->crew, counted);
		}
		if (count < best_count) {
			best_count = count;
			best = (ssize_t)i;
		}
	}
	return best;
}

static void pending_serve(struct server *s)
{
	for (;;) {
		ssize_t i = pending_pick(s);

		if (i < 0 || crew_start(&s->crew, CREW_SERVES, s->pending[i].fd,
					&s->pending[i].peer, 0, NULL) < 0)
			return;
		pending_remove(s, (size_t)i);
	}
}

/* Whoever has the most in the queue loses their newest. */
static size_t pending_victim(const struct server *s)
{
	size_t most = 0, victim = s->n_pending - 1;
	uid_t counted = (uid_t)-1;

	/* From the newest on: a user who is met again has no more than they had then, and one who
	 * is met late has no more than what is left. */
	for (size_t i = s->n_pending; i-- > most;) {
		uid_t owner = s->pending[i].peer.owner;
		size_t n = 0;

		if (owner == counted)
			continue;
		counted = owner;
		for (size_t j = 0; j <= i; j++)
			n += s->pending[j].peer.owner == owner;
		if (n > most) {
			most = n;
			victim = i;
		}
	}
	return victim;
}

/* Keeps the last place free: it is for finding out who comes. */
static void pending_trim(struct server *s)
{
	while (s->n_pending >= s->pending_max) {
		size_t i = pending_victim(s);

		if (crew_start(&s->crew, CREW_REFUSES, s->pending[i].fd, &s->pending[i].peer,
			       -EBUSY,
			       "too many of your connections to the broker wait to be served: try "
			       "again") < 0)
			return;
		pending_remove(s, i);
	}
}

static void pending_expire(struct server *s, int64_t now)
{
	size_t i = 0;

	while (i < s->n_pending) {
		struct pending *p = &s->pending[i];
		int wait_s = p->ready ? SESSION_WAIT_S : SESSION_IDLE_S;

		if (now - p->since_ms < wait_s * 1000 ||
		    crew_start(&s->crew, CREW_REFUSES, p->fd, &p->peer, -ETIME,
			       p->ready ? "too many of your earlier requests to the broker have "
					  "not ended: end the programs that made them"
					: "no request came in time after connecting") < 0)
			i++;
		else
			pending_remove(s, i);
	}
}

static void pending_add(struct server *s, int fd, const struct peer *peer)
{
	s->pending[s->n_pending++] = (struct pending){
		.fd = fd,
		.peer = *peer,
		.since_ms = util_now_ms(),
	};
}

static void accept_one(struct server *s, int fd)
{
	struct err e = ERR_INIT;
	struct peer peer;

	if (conn_peer_get(fd, &peer, &e) < 0) {
		log_error("dropped: %s", e.msg);
		close(fd);
		return;
	}
	if (crew_start(&s->crew, CREW_WAITS, fd, &peer, 0, NULL) == 0)
		return;
	pending_add(s, fd, &peer);
	pending_trim(s);
}

/* Into the last free place only if somebody can be turned away for it. */
static bool may_accept(const struct server *s)
{
	return s->n_pending + 1 < s->pending_max ||
	       (s->n_pending < s->pending_max && crew_has_room(&s->crew, CREW_REFUSES, (uid_t)-1));
}

static void accept_some(struct server *s)
{
	for (int i = 0; i < ACCEPTS_A_ROUND && may_accept(s); i++) {
		int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return; /* none is waiting, or one that left already */
		accept_one(s, fd);
	}
}

static void read_signals(struct server *s)
{
	struct signalfd_siginfo si;

	while (read(s->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
			s->stop = true;
	crew_reap(&s->crew);
}

/* Deadlines are whole seconds, so is the tick; without clients there is none. */
static int poll_timeout(const struct server *s, unsigned int idle_s)
{
	int64_t left;

	if (crew_count_busy(&s->crew) || s->n_pending)
		return 1000;
	if (idle_s == 0)
		return -1;
	left = s->active_ms + (int64_t)idle_s * 1000 - util_now_ms();
	return left > 0 ? (int)left : 0;
}

static int poll_all(struct server *s, unsigned int idle_s)
{
	struct pollfd *p = s->polls;

	p[POLL_SIGNALS] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
	p[POLL_LISTEN] = (struct pollfd){.fd = may_accept(s) ? s->listen_fd : -1, .events = POLLIN};
	p[POLL_PLUGGER] = (struct pollfd){.fd = s->crew.plugger_fd}; /* that it has ended */
	p += POLLS;
	for (size_t i = 0; i < s->crew.n; i++)
		*p++ = (struct pollfd){.fd = s->crew.children[i].channel, .events = POLLIN};
	for (size_t i = 0; i < s->n_pending; i++)
		*p++ = (struct pollfd){
			.fd = s->pending[i].ready ? -1 : s->pending[i].fd,
			.events = POLLIN,
		};
	return poll(s->polls, (nfds_t)(p - s->polls), poll_timeout(s, idle_s));
}

static void turn(struct server *s)
{
	const struct pollfd *channels = s->polls + POLLS, *waiting = channels + s->crew.n;
	bool signalled = s->polls[POLL_SIGNALS].revents;
	int64_t now = util_now_ms();

	for (size_t i = 0; i < s->n_pending; i++)
		if (waiting[i].revents) {
			s->pending[i].ready = true;
			s->pending[i].since_ms = now;
		}
	/* This comes before any is collected, which changes their order. */
	for (size_t i = 0; i < s->crew.n; i++)
		if (channels[i].revents)
			crew_hear(&s->crew, i);
	if (signalled)
		read_signals(s);
	/* Who waits goes before who comes. */
	pending_serve(s);
	if (s->polls[POLL_LISTEN].revents)
		accept_some(s);
	crew_check(&s->crew, now);
	pending_expire(s, now);
	pending_trim(s);
	if (crew_count_busy(&s->crew) || s->n_pending || s->polls[POLL_LISTEN].revents)
		s->active_ms = now;
}

int server_run(int listen_fd, int signal_fd, int plugger_fd, unsigned int idle_s, struct err *e)
{
	struct server *s = &server;
	unsigned int failed = 0;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return err_sys(e, -errno, "cannot read the limit of open files");
	s->listen_fd = listen_fd;
	s->signal_fd = signal_fd;
	s->active_ms = util_now_ms();
	s->crew.plugger_fd = plugger_fd;
	s->pending_max = PENDING_MAX;
	if (files.rlim_cur < PENDING_MAX + CREW_SIZE + 64)
		s->pending_max = files.rlim_cur > 512 ? files.rlim_cur - CREW_SIZE - 64 : 64;
	while (!s->stop) {
		if (poll_all(s, idle_s) < 0) {
			/* A moment without memory must not end it for all who wait. */
			if (errno == EINTR || (errno == ENOMEM && failed++ < POLL_TRIES))
				continue;
			return err_sys(e, -errno, "cannot wait for clients");
		}
		failed = 0;
		if (s->polls[POLL_PLUGGER].revents)
			return err_set(e, -EPIPE, "the plugger has ended, and so does the broker");
		turn(s);
		if (idle_s && !crew_count_busy(&s->crew) && !s->n_pending &&
		    util_now_ms() - s->active_ms >= (int64_t)idle_s * 1000)
			break;
	}
	return 0;
}
