/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cable of our own, for as long as one packet of each family takes, which a socket like any
 * program's sends: units that restrict address families have no others. The chain
 * "passed" of policy/bridge.nft counts what has come through all forward chains, and drops it.
 * Called by `up`, `status` and `leak-test`.
 */
#include "up/passage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/neighbour.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nf/nft.h"
#include "nl/link.h"
#include "nl/list.h"
#include "nl/route.h"
#include "ns/netns.h"
#include "plug/attach.h"
#include "plug/cable.h"

/* A question by ARP that is lost is asked again after a second, three times. */
#define LIMIT_MS 3500
#define PACKETS	 25 /* so many are not lost by chance */
#define DISCARD	 9  /* both ports; see policy/bridge.nft */
#define LOOK_MS	 20
#define OURS	 "vpnrun"
#define PAYLOAD	 "vpnrun"

/* Nobody's: 192.0.2.1 and 2001:db8::1. */
static const struct in6_addr target6 = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
static const uint8_t target4[] = {192, 0, 2, 1};

struct look {
	const struct record *r;
	struct nl_sock route, nft;
	struct nl_sock far; /* where the cable's other end is */
	int ns, udp4, udp6; /* there, too */
	char table[32];
	uint32_t host; /* 0: no cable */
};

/* Not connected: a refusal that comes back is no error of the next packet. */
static int send_one(const struct look *l, int family, struct err *e)
{
	struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(DISCARD)};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(DISCARD)};
	ssize_t n;

	memcpy(&to4.sin_addr, target4, sizeof(target4));
	to6.sin6_addr = target6;
	if (family == AF_INET)
		n = sendto(l->udp4, PAYLOAD, strlen(PAYLOAD), 0, (const struct sockaddr *)&to4,
			   sizeof(to4));
	else
		n = sendto(l->udp6, PAYLOAD, strlen(PAYLOAD), 0, (const struct sockaddr *)&to6,
			   sizeof(to6));
	return n < 0 ? err_sys(e, -errno, "cannot send by a cable") : 0;
}

/* Whether the bridge has answered the cable's question for its MAC address: from then on a packet
 * is with the forward chains as soon as it is sent. */
static bool is_heard(struct look *l, int family)
{
	const uint16_t known = NUD_REACHABLE | NUD_DELAY | NUD_PROBE | NUD_STALE | NUD_PERMANENT;
	struct nl_neighs near = {0};
	bool heard = false;

	if (nl_neigh_list(&l->far, family, 0, &near, NULL) == 0)
		for (size_t i = 0; i < near.n; i++)
			heard = heard || (near.at[i].state & known);
	free(near.at);
	return heard;
}

/* 1: it passed; 0: it did not. */
static int try_family(struct look *l, int family, struct err *e)
{
	const char *counter = family == AF_INET ? "passed4" : "passed6";
	int64_t end = util_now_ms() + LIMIT_MS;
	uint64_t before = 0, now = 0;
	int lost = 0, r = nft_counter_get(&l->nft, l->table, counter, &before, e);

	while (r == 0 && lost < PACKETS && util_now_ms() < end) {
		lost += is_heard(l, family);
		r = send_one(l, family, e);
		if (r == 0)
			r = nft_counter_get(&l->nft, l->table, counter, &now, e);
		if (r == 0 && now != before)
			return 1;
		poll(NULL, 0, LOOK_MS);
	}
	return r;
}

/* It comes from the port, and with a life as short as the way, that policy/bridge.nft knows it
 * by. */
static int open_udp(int family)
{
	const struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(DISCARD)};
	const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(DISCARD)};
	AUTO_CLOSE int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int hops = 3, on = 1;
	int r;

	if (fd < 0)
		return -errno;
	if (family == AF_INET) {
		setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
		r = bind(fd, (const struct sockaddr *)&in, sizeof(in));
	} else {
		setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops));
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		r = bind(fd, (const struct sockaddr *)&in6, sizeof(in6));
	}
	return r < 0 ? -errno : take_fd(&fd);
}

/* A namespace that nobody but this process holds: however it ends, the cable goes with it. */
static int open_far_end(struct look *l, struct err *e)
{
	AUTO_CLOSE int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int r = 0;

	if (here < 0 || unshare(CLONE_NEWNET) < 0)
		return err_sys(e, -errno, "cannot make a network namespace");
	l->ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	cable_prepare(l->r);
	cable_let_ping();
	l->udp4 = open_udp(AF_INET);
	/* A kernel without IPv6 has no cables with it. */
	l->udp6 = open_udp(AF_INET6);
	if (l->ns < 0 || l->udp4 < 0)
		r = err_set(e, -EIO, "cannot use a network namespace");
	if (r == 0)
		r = nl_sock_open(&l->far, NETLINK_ROUTE, e);
	ns_netns_leave(&here);
	return r;
}

static int open_look(struct look *l, struct err *e)
{
	struct cable_end end = {.dev = LEASE_CABLE};
	int r;

	str_fmt(l->table, sizeof(l->table), "vpnrun-%s", l->r->name);
	r = nl_sock_open(&l->route, NETLINK_ROUTE, e);
	r = r ?: nl_sock_open(&l->nft, NETLINK_NETFILTER, e);
	r = r ?: open_far_end(l, e);
	/* The firewall believes for minutes nobody else who claims the address that a cable has
	 * had: this one's is always the same. */
	r = r ?: attach_look(&l->route, l->r, l->ns, &end.host, e);
	l->host = end.host;
	r = r ?: cable_up(&l->far, l->r, &end, e);
	return r ?: cable_wait(&l->far, l->r, &end, e);
}

static void close_look(struct look *l)
{
	if (l->host)
		rtnl_link_delete(&l->far, RTNL_HERE, LEASE_CABLE, NULL);
	nl_sock_close(&l->route);
	nl_sock_close(&l->far);
	nl_sock_close(&l->nft);
	util_close(&l->udp4);
	util_close(&l->udp6);
	util_close(&l->ns);
}

/* Where the tunnel does not lead to whom we write, and where the kernel forwards no IPv6 from a
 * single device, which `up` has said, this tells nothing. */
static bool can_tell(struct look *l, int family)
{
	const void *dst = family == AF_INET ? (const void *)&target4 : (const void *)&target6;
	AUTO_FREE char *on = NULL;
	struct rtnl_routes routes = {.family = family, .table = l->r->id, .dst = dst};
	struct rtnl_link tun;
	size_t n = 0;
	char path[96];

	if (family == AF_INET6) {
		str_fmt(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/force_forwarding",
			l->r->bridge);
		if ((file_read(path, 16, &on, NULL, NULL) < 0 &&
		     file_read("/proc/sys/net/ipv6/conf/all/forwarding", 16, &on, NULL, NULL) <
			     0) ||
		    on[0] != '1')
			return false;
	}
	if (rtnl_link_get(&l->route, RTNL_HERE, record_way(l->r), &tun, NULL) < 0)
		return false;
	routes.oif = tun.ifindex;
	return rtnl_route_count(&l->route, &routes, &n, NULL) == 0 && n > 0;
}

static int say(struct look *l, int family, struct err *e)
{
	const char *br = l->r->bridge, *what = family == AF_INET ? "IPv4" : "IPv6";
	struct nft_chain c;

	if (nft_forward_chain_find(&l->nft, family, OURS, &c, NULL) != 1)
		return err_set(e, -EHOSTUNREACH,
			       "no %s gets from %s into the tunnel: another firewall's forward "
			       "rules (nft list ruleset, iptables -S FORWARD) or a routing rule "
			       "before its own (ip rule) are in the way",
			       what, br);
	return err_set(
		e, -EHOSTUNREACH,
		"no %s gets from %s into the tunnel: the chain %s of the table %s %s %s; to let it "
		"through: nft insert rule %s %s %s iifname %s accept; nft insert rule %s %s %s "
		"oifname %s accept",
		what, br, c.chain, c.family, c.table, c.drops ? "drops it" : "may be in the way",
		c.family, c.table, c.chain, br, c.family, c.table, c.chain, br);
}

int passage_judge(const struct record *r, struct err *e)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct look l = {
		.r = r,
		.route = NL_SOCK_INIT,
		.nft = NL_SOCK_INIT,
		.far = NL_SOCK_INIT,
		.ns = -1,
		.udp4 = -1,
		.udp6 = -1,
	};
	int rc = 0, passed = open_look(&l, NULL);

	for (size_t i = 0; passed >= 0 && rc == 0 && i < ARRAY_SIZE(families); i++) {
		bool is_4 = families[i] == AF_INET;

		if (!(r->flags & (is_4 ? RECORD_HAS_IP4 : RECORD_HAS_IP6)) ||
		    (!is_4 && !cable_has_ip6(r)) || !can_tell(&l, families[i]))
			continue;
		passed = try_family(&l, families[i], NULL);
		if (passed == 0)
			rc = say(&l, families[i], e);
	}
	close_look(&l);
	return rc;
}
