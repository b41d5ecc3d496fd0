/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See watch.h. One set of descriptors a process. Must never allocate or look at what is carried.
 */
#include "relay/watch.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "relay/address.h"
#include "state/lease.h"

_Static_assert(sizeof(struct relay_key) == sizeof(uint64_t), "fits epoll's data");

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

void relay_own_add(struct relay *r, int family, const void *addr)
{
	struct relay_target *t = &r->own[r->n_own];

	relay_targets_add(r, family, addr);
	if (r->n_own == RELAY_OWN_MAX)
		return;
	t->family = family;
	memcpy(t->addr, addr, family == AF_INET ? 4 : 16);
	r->n_own++;
}

void relay_own_lease(struct relay *r, const struct record *rec, uint32_t host)
{
	struct lease_pool pool = record_pool(rec);
	struct in_addr ip4 = lease_ip4(&pool, host);
	struct in6_addr ip6 = lease_ip6(&pool, host);

	if (rec->flags & RECORD_HAS_IP4)
		relay_own_add(r, AF_INET, &ip4);
	if (rec->flags & RECORD_HAS_IP6)
		relay_own_add(r, AF_INET6, &ip6);
}

void relay_end_add(struct relay *r, int fd, bool (*is_over)(int fd))
{
	if (r->n_ends < RELAY_ENDS_MAX)
		r->ends[r->n_ends++] = (struct relay_end){fd, is_over};
}

void relay_targets_loopback(struct relay *r)
{
	r->n_targets = 0;
	relay_targets_add(r, AF_INET, relay_loopback4);
	relay_targets_add(r, AF_INET6, relay_loopback6);
}

int relay_watch_open(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return epoll_fd < 0 ? -errno : 0;
}

int relay_watch_wait(struct epoll_event *ret, int max, int timeout_ms)
{
	return epoll_wait(epoll_fd, ret, max, timeout_ms);
}

int relay_watch(int fd, uint32_t events, struct relay_key key)
{
	struct epoll_event ev = {.events = events};

	memcpy(&ev.data.u64, &key, sizeof(key));
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

/* -ENOENT: no more of them. */
static int find_target(const struct relay *r, const struct relay_listener *l, size_t n,
		       const struct relay_target **ret)
{
	size_t max = l->to.family ? 1 : r->n_targets;

	*ret = l->to.family ? &l->to : &r->targets[n];
	return n < max ? 0 : -ENOENT;
}

static int come_from_own(const struct relay *r, int fd, int family)
{
	const int one = 1;
	struct sockaddr_storage sa;
	socklen_t len;

	for (size_t i = 0; i < r->n_own; i++) {
		if (r->own[i].family != family)
			continue;
		/* The port is chosen by connect(2), which knows of more that are free. */
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		len = relay_address(&sa, family, r->own[i].addr, 0);
		return bind(fd, (struct sockaddr *)&sa, len) < 0 ? -errno : 0;
	}
	return -EAFNOSUPPORT;
}

int relay_connect(const struct relay *r, const struct relay_listener *l, size_t target)
{
	const struct relay_target *t;
	AUTO_CLOSE int fd = -1;
	struct sockaddr_storage sa;
	socklen_t len;
	int rc = find_target(r, l, target, &t);

	if (rc < 0)
		return rc;
	fd = socket(t->family, (l->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    0);
	if (fd < 0)
		return -errno;
	rc = l->is_wide ? come_from_own(r, fd, t->family) : 0;
	if (rc < 0)
		return rc;
	len = relay_address(&sa, t->family, t->addr, l->target);
	if (connect(fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS)
		return -errno;
	return take_fd(&fd);
}
