/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waits for events and hands them on. Must never allocate, open a file or look at what it carries.
 * Called in the relay's own process only.
 */
#include "relay/relay.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "relay/tcp.h"
#include "relay/udp.h"
#include "relay/watch.h"

#define BATCH	      64
#define NOFILE_WANTED 8192
#define CONNS_MAX     1024
#define FDS_A_CONN    6		 /* two sockets, and a pipe for each direction that is held up */
#define FDS_OTHER     (64 + 256) /* and the listeners */

static const struct relay *relay;

/* There are so many connections at most that descriptors never run out in the middle of one. */
static unsigned int raise_limit(size_t n_listeners)
{
	const rlim_t other = FDS_OTHER + n_listeners;
	struct rlimit l = {0};
	rlim_t n;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return 1;
	if (l.rlim_cur < NOFILE_WANTED) {
		l.rlim_cur = l.rlim_max < NOFILE_WANTED ? l.rlim_max : NOFILE_WANTED;
		if (setrlimit(RLIMIT_NOFILE, &l) < 0)
			getrlimit(RLIMIT_NOFILE, &l);
	}
	if (l.rlim_cur < other + FDS_A_CONN)
		return 1;
	n = (l.rlim_cur - other) / FDS_A_CONN;
	return n > CONNS_MAX ? CONNS_MAX : (unsigned int)n;
}

int relay_prepare(const struct relay *r, struct err *e)
{
	unsigned int max = raise_limit(r->ports.n);
	int rc;

	relay = r;
	rc = relay_watch_open();
	for (size_t i = 0; rc == 0 && i < r->n_ends; i++)
		rc = relay_watch(r->ends[i].fd, EPOLLIN,
				 (struct relay_key){.kind = RELAY_END, .index = (uint32_t)i});
	for (size_t i = 0; rc == 0 && i < r->ports.n; i++)
		rc = relay_watch(r->ports.at[i].fd, EPOLLIN,
				 (struct relay_key){.kind = RELAY_LISTENER, .index = (uint32_t)i});
	if (rc < 0)
		return err_sys(e, rc, "cannot wait for connections");
	tcp_init(r, max);
	udp_init(r);
	return 0;
}

static bool is_end(const struct relay_end *end)
{
	return !end->is_over || end->is_over(end->fd);
}

/* True: it is over. */
static bool dispatch(const struct epoll_event *ev)
{
	struct relay_key key;

	memcpy(&key, &ev->data.u64, sizeof(key));
	switch ((enum relay_kind)key.kind) {
	case RELAY_END:
		return is_end(&relay->ends[key.index]);
	case RELAY_LISTENER:
		if (relay->ports.at[key.index].udp)
			udp_from_client(key.index);
		else
			tcp_accept(key.index);
		return false;
	case RELAY_CONN:
		tcp_event(key, ev->events);
		return false;
	case RELAY_PEER:
		udp_from_target(key);
		return false;
	}
	return false;
}

int relay_loop(struct err *e)
{
	struct epoll_event events[BATCH];

	for (;;) {
		int timeout = udp_expire();
		int n = relay_watch_wait(events, BATCH, tcp_work() ? 0 : timeout);

		if (n < 0 && errno != EINTR)
			return err_sys(e, -errno, "cannot wait for connections");
		for (int i = 0; i < n; i++)
			if (dispatch(&events[i]))
				return 0;
	}
}
