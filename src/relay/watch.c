/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See watch.h. One set of descriptors a process. Must never allocate or look at what is carried.
 */
#include "relay/watch.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "relay/address.h"

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
