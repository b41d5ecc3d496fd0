/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waits for events and hands them on. Must never allocate, open a file or look at what it carries.
 * Called in the relay's own process only.
 */
#include "relay/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "relay/address.h"

#define BATCH	      64
#define NOFILE_WANTED 8192
#define CONNS_MAX     1024
#define FDS_A_CONN    6 /* two sockets, and a pipe for each direction that is held up */
#define FDS_OTHER     (64 + RELAY_LISTENERS_MAX + 256)

_Static_assert(sizeof(struct relay_key) == sizeof(uint64_t), "fits epoll's data");

static const struct relay *relay;
static int epoll_fd = -1;

void relay_targets_add(struct relay *r, int family, const void *addr)
{
	struct relay_target *t = &r->targets[r->n_targets];

	if (r->n_targets == RELAY_TARGETS_MAX)
		return;
	t->family = family;
	memcpy(t->addr, addr, family == AF_INET ? 4 : 16);
	r->n_targets++;
}

void relay_targets_loopback(struct relay *r)
{
	r->n_targets = 0;
	relay_targets_add(r, AF_INET, relay_loopback4);
	relay_targets_add(r, AF_INET6, relay_loopback6);
}

int relay_watch(int fd, uint32_t events, struct relay_key key)
{
	struct epoll_event ev = {.events = events};

	memcpy(&ev.data.u64, &key, sizeof(key));
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int relay_connect(const struct relay *r, size_t target, int type, uint16_t port)
{
	const struct relay_target *t = &r->targets[target];
	AUTO_CLOSE int fd = socket(t->family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_storage sa;
	socklen_t len = relay_address(&sa, t->family, t->addr, port);

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS)
		return -errno;
	return take_fd(&fd);
}

/* So many connections that descriptors never run out in the middle of one. */
static unsigned int raise_limit(void)
{
	struct rlimit l = {0};
	rlim_t n;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return 1;
	if (l.rlim_cur < NOFILE_WANTED) {
		l.rlim_cur = l.rlim_max < NOFILE_WANTED ? l.rlim_max : NOFILE_WANTED;
		if (setrlimit(RLIMIT_NOFILE, &l) < 0)
			getrlimit(RLIMIT_NOFILE, &l);
	}
	if (l.rlim_cur < FDS_OTHER + FDS_A_CONN)
		return 1;
	n = (l.rlim_cur - FDS_OTHER) / FDS_A_CONN;
	return n > CONNS_MAX ? CONNS_MAX : (unsigned int)n;
}

int relay_prepare(const struct relay *r, struct err *e)
{
	unsigned int max = raise_limit();
	int rc;

	relay = r;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		return err_sys(e, -errno, "cannot wait for connections");
	rc = relay_watch(r->end_fd, EPOLLIN, (struct relay_key){.kind = RELAY_END});
	for (size_t i = 0; rc == 0 && i < r->ports.n; i++)
		rc = relay_watch(r->ports.at[i].fd, EPOLLIN,
				 (struct relay_key){.kind = RELAY_LISTENER, .index = (uint32_t)i});
	if (rc < 0)
		return err_sys(e, rc, "cannot wait for connections");
	tcp_init(r, max);
	udp_init(r);
	return 0;
}

/* True: it is over. */
static bool dispatch(const struct epoll_event *ev)
{
	struct relay_key key;

	memcpy(&key, &ev->data.u64, sizeof(key));
	switch ((enum relay_kind)key.kind) {
	case RELAY_END:
		return !relay->is_over || relay->is_over(relay->end_fd);
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
		int n = epoll_wait(epoll_fd, events, BATCH, tcp_work() ? 0 : timeout);

		if (n < 0 && errno != EINTR)
			return err_sys(e, -errno, "cannot wait for connections");
		for (int i = 0; i < n; i++)
			if (dispatch(&events[i]))
				return 0;
	}
}
