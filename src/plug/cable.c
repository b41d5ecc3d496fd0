/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sandbox's or container's own end of the cable. No prefix route: a neighbour's address goes to
 * the gateway, which refuses at once, instead of waiting for an answer from somebody the bridge
 * keeps apart. A family that the tunnel does not carry gets no address and no route: unreachable at
 * once. Called by launch/network.c and the container hooks. cable_prepare() is about the namespace
 * that the caller is in, cable_up() about the socket's.
 */
#include "plug/cable.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "nl/addr.h"
#include "nl/link.h"
#include "nl/route.h"
#include "plug/cable_alone.h"

#define IP6_PLEN    64
#define IP6_MIN_MTU 1280
#define NAP_NS	    20000
#define WAIT_MAX_NS 1500000000L

static void try_sysctl(const char *path, const char *value, size_t len)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, value, len) < 0) {
		/* absent or refused: it is the kernel's default, and no way out */
	}
}

bool cable_has_ip6(const struct record *r)
{
	return (r->flags & RECORD_HAS_IP6) && r->mtu >= IP6_MIN_MTU;
}

void cable_let_ping(void)
{
	char range[32];
	int n = snprintf(range, sizeof(range), "%u %u", getegid(), getegid());

	try_sysctl("/proc/sys/net/ipv4/ping_group_range", range, (size_t)n);
}

void cable_prepare(const struct record *r)
{
	if (cable_has_ip6(r))
		try_sysctl("/proc/sys/net/ipv6/conf/default/accept_ra", "0", 1);
	/* Docker, and ipv6.disable_ipv6=1 on the kernel's command line, have it off by default. */
	try_sysctl("/proc/sys/net/ipv6/conf/default/disable_ipv6", cable_has_ip6(r) ? "0" : "1", 1);
}

static void put_ip4(struct nl_msg *m, const struct lease_pool *pool, int ifindex, uint32_t host,
		    uint8_t table)
{
	struct in_addr addr = lease_ip4(pool, host), gateway = lease_ip4(pool, 1);
	struct rtnl_route route = {.family = AF_INET,
				   .gateway = &gateway,
				   .onlink = true,
				   .oif = ifindex,
				   .table = table};

	rtnl_put_addr(m, ifindex, &(struct rtnl_addr){AF_INET, &addr, pool->plen, true});
	rtnl_put_route(m, &route);
}

static void put_ip6(struct nl_msg *m, const struct lease_pool *pool, int ifindex, uint32_t host,
		    uint8_t table)
{
	struct in6_addr addr = lease_ip6(pool, host), gateway = lease_ip6(pool, 1);
	struct rtnl_route route = {.family = AF_INET6,
				   .gateway = &gateway,
				   .onlink = true,
				   .oif = ifindex,
				   .table = table};

	rtnl_put_addr(m, ifindex, &(struct rtnl_addr){AF_INET6, &addr, IP6_PLEN, true});
	rtnl_put_route(m, &route);
}

int cable_up(struct nl_sock *s, const struct record *r, const struct cable_end *end, struct err *e)
{
	struct nl_msg m;
	int ifindex;
	int rc;

	nl_msg_init(&m);
	rtnl_put_link_up(&m, LO_IFINDEX);
	if (end->host) {
		struct lease_pool pool = record_pool(r);

		if (rtnl_link_index(s, end->dev, &ifindex, e) < 0)
			return err_set(e, -ENODEV, "the cable to VPN '%s' did not arrive", r->name);
		if (cable_has_ip6(r))
			rtnl_put_link_up_quiet(&m, ifindex);
		else
			rtnl_put_link_up(&m, ifindex);
		if (r->flags & RECORD_HAS_IP4)
			put_ip4(&m, &pool, ifindex, end->host, end->table);
		if (cable_has_ip6(r))
			put_ip6(&m, &pool, ifindex, end->host, end->table);
	}
	rc = nl_call(s, &m, e);
	if (rc < 0)
		return err_wrap(e, rc, "cannot configure the sandbox's network");
	return 0;
}

/* Up is not ready: the bridge lets the port's frames through, and IPv6 takes the address for its
 * own, only when workers of the kernel have come to it. Until then the first packets are lost, and
 * a connection made with them waits a second. */
static int is_ready(struct nl_sock *s, const struct record *r, const struct cable_end *end,
		    struct err *e)
{
	struct lease_pool pool = record_pool(r);
	struct in6_addr addr = lease_ip6(&pool, end->host);

	if (!rtnl_link_is_running(s, end->dev))
		return 0;
	return cable_has_ip6(r) ? rtnl_addr_is_local(s, AF_INET6, &addr, e) : 1;
}

int cable_wait(struct nl_sock *s, const struct record *r, const struct cable_end *end,
	       struct err *e)
{
	struct timespec nap = {.tv_nsec = NAP_NS};
	long waited_ns = 0;
	int ready;

	while ((ready = is_ready(s, r, end, e)) == 0) {
		if (waited_ns > WAIT_MAX_NS)
			return err_set(e, -ETIMEDOUT, "the cable to VPN '%s' does not come up",
				       r->name);
		nanosleep(&nap, NULL);
		waited_ns += nap.tv_nsec;
		if (waited_ns > 20 * NAP_NS)
			nap.tv_nsec = 50 * NAP_NS;
	}
	return ready < 0 ? err_wrap(e, ready, "cannot look at the cable to VPN '%s'", r->name) : 0;
}

static bool is_off(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char c;

	return fd >= 0 && read(fd, &c, 1) == 1 && c == '1';
}

int cable_again_ip6(struct nl_sock *s, const struct record *r, const struct cable_end *end,
		    struct err *e)
{
	struct lease_pool pool = record_pool(r);
	struct nl_msg m;
	char path[64];
	int ifindex, rc;

	if (!cable_has_ip6(r))
		return 0;
	str_fmt(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", end->dev);
	if (!is_off(path))
		return 0;
	rc = rtnl_link_index(s, end->dev, &ifindex, e);
	if (rc < 0)
		return rc;
	try_sysctl(path, "0", 1);
	nl_msg_init(&m);
	put_ip6(&m, &pool, ifindex, end->host, end->table);
	rc = nl_call(s, &m, e);
	if (rc < 0)
		return err_wrap(e, rc, "cannot give %s its IPv6 address back", end->dev);
	return 0;
}
