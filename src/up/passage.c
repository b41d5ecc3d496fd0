/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cable of our own, for as long as one packet of each family takes. The chain
 * "passed" of policy/bridge.nft counts what has come through all forward chains, and drops it.
 * Called by `up`, `status` and `leak-test`.
 */
#include "up/passage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nl/nft.h"
#include "nl/rtnl.h"
#include "plug/attach.h"
#include "plug/cable.h"

#define DISCARD	  9 /* both ports; see policy/bridge.nft */
#define LIMIT_MS  200
#define READY_MS  2000
#define LOOK_MS	  20
#define OURS	  "vpnrun"
#define PAYLOAD	  "vpnrun"
#define FRAME_MAX 128

/* Nobody's: 192.0.2.1 and 2001:db8::1. */
static const struct in6_addr target6 = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
static const uint8_t target4[] = {192, 0, 2, 1};

struct look {
	const struct record *r;
	struct nl_sock route, nft;
	struct nl_sock far; /* where the cable's other end is */
	int ns, packet;	    /* there, too */
	char table[32];
	uint32_t host; /* 0: no cable */
	int ifindex;
};

static uint32_t sum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t s = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		s += (uint32_t)p[i] << 8 | p[i + 1];
	return s + (len % 2 ? (uint32_t)p[len - 1] << 8 : 0);
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return htons((uint16_t)~s);
}

static size_t put_udp(uint8_t *at, uint32_t pseudo)
{
	struct udphdr udp = {.source = htons(DISCARD), .dest = htons(DISCARD)};
	size_t len = sizeof(udp) + strlen(PAYLOAD);

	udp.len = htons((uint16_t)len);
	memcpy(at, &udp, sizeof(udp));
	memcpy(at + sizeof(udp), PAYLOAD, strlen(PAYLOAD));
	udp.check = fold(pseudo + IPPROTO_UDP + (uint32_t)len + sum(at, len));
	memcpy(at, &udp, sizeof(udp));
	return len;
}

static size_t make_packet(const struct look *l, int family, uint8_t *at)
{
	struct lease_pool pool = record_pool(l->r);
	struct ip ip = {.ip_v = 4, .ip_hl = 5, .ip_ttl = 3, .ip_p = IPPROTO_UDP};
	struct ip6_hdr ip6 = {.ip6_flow = htonl(6u << 28)};
	size_t len;

	if (family == AF_INET) {
		ip.ip_src = lease_ip4(&pool, l->host);
		memcpy(&ip.ip_dst, target4, sizeof(target4));
		len = put_udp(at + sizeof(ip), sum(&ip.ip_src, 8));
		ip.ip_len = htons((uint16_t)(sizeof(ip) + len));
		ip.ip_sum = fold(sum(&ip, sizeof(ip)));
		memcpy(at, &ip, sizeof(ip));
		return sizeof(ip) + len;
	}
	ip6.ip6_nxt = IPPROTO_UDP;
	ip6.ip6_hlim = 3;
	ip6.ip6_src = lease_ip6(&pool, l->host);
	ip6.ip6_dst = target6;
	len = put_udp(at + sizeof(ip6), sum(&ip6.ip6_src, 32));
	ip6.ip6_plen = htons((uint16_t)len);
	memcpy(at, &ip6, sizeof(ip6));
	return sizeof(ip6) + len;
}

static int send_one(const struct look *l, int family, struct err *e)
{
	struct lease_pool pool = record_pool(l->r);
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = l->ifindex};
	uint8_t frame[FRAME_MAX] = {0};
	struct ethhdr eth;
	size_t len;

	lease_mac(&pool, 1, eth.h_dest);
	lease_mac(&pool, l->host, eth.h_source);
	eth.h_proto = htons(family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	to.sll_protocol = eth.h_proto;
	memcpy(frame, &eth, sizeof(eth));
	len = sizeof(eth) + make_packet(l, family, frame + sizeof(eth));
	if (sendto(l->packet, frame, len, 0, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return err_sys(e, -errno, "cannot send by a cable");
	return 0;
}

/* 1: it passed; 0: it did not. */
static int try_family(struct look *l, int family, struct err *e)
{
	const char *counter = family == AF_INET ? "passed4" : "passed6";
	int64_t end = util_now_ms() + LIMIT_MS;
	uint64_t before = 0, now = 0;
	int r = nft_counter_get(&l->nft, l->table, counter, &before, e);

	while (r == 0 && util_now_ms() < end) {
		r = send_one(l, family, e);
		if (r == 0)
			r = nft_counter_get(&l->nft, l->table, counter, &now, e);
		if (r == 0 && now != before)
			return 1;
		poll(NULL, 0, LOOK_MS);
	}
	return r;
}

/* The bridge takes nothing from a port before the kernel has told it that the other end is up. */
static int wait_ready(struct look *l, struct err *e)
{
	struct lease_pool pool = record_pool(l->r);
	int64_t end = util_now_ms() + READY_MS;
	char port[LEASE_IF_LEN];
	struct rtnl_link link;
	int r;

	lease_port(&pool, l->host, port);
	do {
		r = rtnl_link_get(&l->route, RTNL_HERE, port, &link, e);
		if (r < 0 || (link.flags & IFF_RUNNING))
			return r;
		poll(NULL, 0, 5);
	} while (util_now_ms() < end);
	return err_set(e, -ETIMEDOUT, "%s does not come up", port);
}

/* A namespace that nobody but this process holds: however it ends, the cable goes with it. */
static int open_far_end(struct look *l, struct err *e)
{
	AUTO_CLOSE int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int r = 0;

	if (here < 0 || unshare(CLONE_NEWNET) < 0)
		return err_sys(e, -errno, "cannot make a network namespace");
	l->ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	l->packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (l->ns < 0 || l->packet < 0)
		r = err_sys(e, -errno, "cannot use a network namespace");
	if (r == 0)
		r = nl_sock_open(&l->far, NETLINK_ROUTE, e);
	/* Going on in there would be to work on the wrong host. */
	if (setns(here, CLONE_NEWNET) < 0)
		abort();
	return r;
}

static int open_look(struct look *l, struct err *e)
{
	struct rtnl_link link;
	struct nl_msg m;
	int r;

	str_fmt(l->table, sizeof(l->table), "vpnrun-%s", l->r->name);
	r = nl_sock_open(&l->route, NETLINK_ROUTE, e);
	if (r == 0)
		r = nl_sock_open(&l->nft, NETLINK_NETFILTER, e);
	if (r == 0)
		r = open_far_end(l, e);
	if (r == 0)
		r = attach_as_root(&l->route, l->r, l->ns, LEASE_CABLE, (uint32_t)getpid(),
				   &l->host, e);
	if (r == 0)
		r = rtnl_link_get(&l->far, RTNL_HERE, LEASE_CABLE, &link, e);
	if (r < 0)
		return r;
	l->ifindex = link.ifindex;
	nl_msg_init(&m);
	rtnl_put_link_up_quiet(&m, link.ifindex);
	r = nl_call(&l->far, &m, e);
	return r < 0 ? r : wait_ready(l, e);
}

static void close_look(struct look *l)
{
	if (l->host)
		rtnl_link_delete(&l->far, RTNL_HERE, LEASE_CABLE, NULL);
	nl_sock_close(&l->route);
	nl_sock_close(&l->far);
	nl_sock_close(&l->nft);
	util_close(&l->packet);
	util_close(&l->ns);
}

/* Where the tunnel does not lead to whom we write, and where the kernel forwards no IPv6 from a
 * single device, which `up` has said, this tells nothing. */
static bool can_tell(struct look *l, int family)
{
	const void *dst = family == AF_INET ? (const void *)&target4 : (const void *)&target6;
	AUTO_FREE char *on = NULL;
	struct rtnl_link tun;
	bool covered = false;
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
	return rtnl_link_get(&l->route, RTNL_HERE, l->r->device, &tun, NULL) == 0 &&
	       rtnl_route_covers(&l->route, family, l->r->id, tun.ifindex, dst, &covered, NULL) ==
		       0 &&
	       covered;
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
		.packet = -1,
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
