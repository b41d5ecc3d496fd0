/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams: every client has a socket of its own towards the target, so that answers find their
 * way back, for as long as one of the two speaks at least once a minute. Must never hold more than
 * its table: who was silent longest makes room. What does not fit a socket's buffer is lost, as
 * datagrams are.
 */
#include "relay/udp.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"

#define PEERS_MAX 256
#define IDLE_MS	  60000
#define DATAGRAMS 64 /* at once */

struct udp_peer {
	bool used;
	uint16_t generation;
	uint32_t listener;
	size_t target;
	int fd;
	int64_t last_ms;
	struct sockaddr_storage addr;
	socklen_t len;
};

static const struct relay *relay;
static struct udp_peer table[PEERS_MAX];
static size_t n_used;
static char datagram[65536];

void udp_init(const struct relay *r)
{
	relay = r;
}

static void forget(struct udp_peer *p)
{
	util_close(&p->fd);
	p->used = false;
	p->generation++;
	n_used--;
}

static int reach_target(struct udp_peer *p)
{
	struct relay_key key = {
		.kind = RELAY_PEER, .generation = p->generation, .index = (uint32_t)(p - table)};
	const struct relay_listener *l = &relay->ports.at[p->listener];
	int r;

	for (;; p->target++) {
		r = relay_connect(relay, l, p->target);
		if (r == -ENOENT)
			return -ECONNREFUSED;
		if (r < 0)
			continue;
		p->fd = r;
		return relay_watch(p->fd, EPOLLIN, key);
	}
}

static struct udp_peer *make(uint32_t listener, const struct sockaddr_storage *addr, socklen_t len)
{
	struct udp_peer *p = NULL;

	for (size_t i = 0; i < PEERS_MAX; i++) {
		if (!table[i].used) {
			p = &table[i];
			break;
		}
		if (!p || table[i].last_ms < p->last_ms)
			p = &table[i];
	}
	if (p->used)
		forget(p);
	*p = (struct udp_peer){.used = true,
			       .generation = p->generation,
			       .listener = listener,
			       .fd = -1,
			       .addr = *addr,
			       .len = len};
	n_used++;
	if (reach_target(p) == 0)
		return p;
	forget(p);
	return NULL;
}

static struct udp_peer *find(uint32_t listener, const struct sockaddr_storage *addr, socklen_t len)
{
	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct udp_peer *p = &table[i];

		if (p->used && p->listener == listener && p->len == len &&
		    memcmp(&p->addr, addr, len) == 0)
			return p;
	}
	return make(listener, addr, len);
}

/* On loopback the refusal is there when send(2) returns: the next target gets the datagram. */
static void hand_in(struct udp_peer *p, size_t n)
{
	for (;;) {
		socklen_t len = sizeof(int);
		int code = 0;

		if (send(p->fd, datagram, n, MSG_NOSIGNAL) >= 0 &&
		    (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0 ||
		     code != ECONNREFUSED))
			return;
		if (code != ECONNREFUSED && errno != ECONNREFUSED)
			return;
		util_close(&p->fd);
		p->target++;
		if (reach_target(p) < 0) {
			forget(p);
			return;
		}
	}
}

void udp_from_client(size_t listener)
{
	int fd = relay->ports.at[listener].fd;

	for (int i = 0; i < DATAGRAMS; i++) {
		struct sockaddr_storage addr = {0};
		socklen_t len = sizeof(addr);
		ssize_t n =
			recvfrom(fd, datagram, sizeof(datagram), 0, (struct sockaddr *)&addr, &len);
		struct udp_peer *p;

		if (n < 0)
			return;
		p = find((uint32_t)listener, &addr, len);
		if (!p)
			continue;
		p->last_ms = util_now_ms();
		hand_in(p, (size_t)n);
	}
}

void udp_from_target(struct relay_key key)
{
	struct udp_peer *p = &table[key.index];

	if (!p->used || p->generation != key.generation)
		return;
	for (int i = 0; i < DATAGRAMS; i++) {
		ssize_t n = recv(p->fd, datagram, sizeof(datagram), 0);

		if (n < 0)
			return; /* nothing more, or a refusal: the client's next one asks anew */
		p->last_ms = util_now_ms();
		sendto(relay->ports.at[p->listener].fd, datagram, (size_t)n, MSG_NOSIGNAL,
		       (struct sockaddr *)&p->addr, p->len);
	}
}

int udp_expire(void)
{
	int64_t now, next = IDLE_MS;

	if (!n_used)
		return -1;
	now = util_now_ms();
	for (size_t i = 0; i < PEERS_MAX; i++) {
		int64_t left = table[i].last_ms + IDLE_MS - now;

		if (!table[i].used)
			continue;
		if (left <= 0)
			forget(&table[i]);
		else if (left < next)
			next = left;
	}
	return n_used ? (int)next + 1 : -1;
}
