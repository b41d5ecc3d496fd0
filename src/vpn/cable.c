/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of a cable's end in the sandbox. No prefix route: a neighbour's address goes to
 * the gateway, which refuses at once, instead of waiting for an answer from somebody the bridge
 * keeps apart. A family that the tunnel does not carry gets no address and no route: unreachable at
 * once. Called by the launcher and by the container hooks; works through the socket it is given,
 * wherever the caller is.
 */
#include "vpn/cable.h"

#include <errno.h>
#include <sys/socket.h>

#include "nl/rtnl.h"

#define LO_IFINDEX  1 /* of every network namespace */
#define IP6_PLEN    64
#define IP6_MIN_MTU 1280

bool cable_has_ip6(const struct record *r)
{
	return (r->flags & RECORD_HAS_IP6) && r->mtu >= IP6_MIN_MTU;
}

static void put_ip4(struct nl_msg *m, const struct lease_pool *pool, int ifindex, uint32_t host)
{
	struct in_addr addr = lease_ip4(pool, host), gateway = lease_ip4(pool, 1);
	struct rtnl_route route = {
		.family = AF_INET, .gateway = &gateway, .onlink = true, .oif = ifindex};

	rtnl_put_addr(m, ifindex, AF_INET, &addr, pool->plen, true);
	rtnl_put_route(m, &route);
}

static void put_ip6(struct nl_msg *m, const struct lease_pool *pool, int ifindex, uint32_t host)
{
	struct in6_addr addr = lease_ip6(pool, host), gateway = lease_ip6(pool, 1);
	struct rtnl_route route = {
		.family = AF_INET6, .gateway = &gateway, .onlink = true, .oif = ifindex};

	rtnl_put_addr(m, ifindex, AF_INET6, &addr, IP6_PLEN, true);
	rtnl_put_route(m, &route);
}

int cable_up(struct nl_sock *in_sandbox, const struct record *r, const char *ifname, uint32_t host,
	     struct err *e)
{
	struct lease_pool pool = record_pool(r);
	int ifindex = 0;
	struct nl_msg m;

	if (rtnl_link_index(in_sandbox, ifname, &ifindex, e) < 0)
		return err_set(e, -ENODEV, "the cable to VPN '%s' did not arrive", r->name);
	nl_msg_init(&m);
	rtnl_put_link_up(&m, LO_IFINDEX);
	if (cable_has_ip6(r))
		rtnl_put_link_up_quiet(&m, ifindex);
	else
		rtnl_put_link_up(&m, ifindex);
	if (r->flags & RECORD_HAS_IP4)
		put_ip4(&m, &pool, ifindex, host);
	if (cable_has_ip6(r))
		put_ip6(&m, &pool, ifindex, host);
	if (nl_call(in_sandbox, &m, e) < 0)
		return err_wrap(e, "cannot configure the sandbox's network");
	return 0;
}
