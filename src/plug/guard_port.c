/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Before 6.16 a chain can only be for a device that is there: so the port is made down, guarded,
 * and set up. Called by plug/search.c.
 */
#include "plug/guard_port.h"

#include <errno.h>
#include <stdio.h>

#include "nl/egress.h"
#include "ns/netns.h"

void guard_table(const char *vpn, char ret[GUARD_TABLE_LEN])
{
	snprintf(ret, GUARD_TABLE_LEN, "vpnrun-%s/guard", vpn);
}

static int open_there(struct nl_sock *s, int ns_fd, int family, struct err *e)
{
	return ns_fd < 0 ? nl_sock_open(s, family, e) : ns_nl_open(s, ns_fd, family, e);
}

static int guard(const struct record *r, struct nl_sock *rt, int ns_fd, const char *port,
		 struct err *e)
{
	AUTO_NL_SOCK struct nl_sock nft = NL_SOCK_INIT;
	struct lease_pool pool = record_pool(r);
	char table[GUARD_TABLE_LEN];
	uint8_t bridge[6];
	int rc = open_there(&nft, ns_fd, NETLINK_NETFILTER, e);

	guard_table(r->name, table);
	lease_mac(&pool, 1, bridge);
	if (rc == 0)
		rc = egress_guard_device(&nft, table, port, bridge, e);
	return rc < 0 ? rc : rtnl_link_set_up(rt, port, true, e);
}

int guard_port_add(struct nl_sock *s, const struct record *r, int ns_fd, const struct rtnl_veth *v,
		   struct err *e)
{
	AUTO_NL_SOCK struct nl_sock entered = NL_SOCK_INIT;
	struct nl_sock *there = ns_fd < 0 ? s : &entered;
	struct rtnl_veth port = *v;
	int rc = 0;

	if (!(r->flags & RECORD_GUARD_EACH))
		return rtnl_link_add_veth(s, v, e);
	port.down = true;
	if (ns_fd >= 0)
		rc = ns_nl_open(&entered, ns_fd, NETLINK_ROUTE, e);
	if (rc == 0)
		rc = rtnl_link_add_veth(s, &port, e);
	if (rc < 0)
		return rc;
	rc = guard(r, there, ns_fd, v->name, e);
	if (rc == 0)
		return 0;
	rtnl_link_delete(there, RTNL_HERE, v->name, NULL);
	return rc == -EEXIST ? -EIO : rc; /* which of a port means: take another */
}
