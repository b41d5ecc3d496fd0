/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port of the bridge layout is a device of the host's, and a program of the host's that serves
 * every device, as DHCP clients do, would be answered by whoever is inside: nothing of the host's
 * own may leave by it, from its first moment. Whoever makes a port calls this one.
 */
#pragma once

#include "nl/link.h"
#include "state/record.h"

#define GUARD_TABLE_LEN 48

/* The table of a VPN's guard; no VPN is called so. */
void guard_table(const char *vpn, char ret[GUARD_TABLE_LEN]);

struct guard_socks {
	struct nl_sock *rt;  /* NETLINK_ROUTE, where the caller is */
	struct nl_sock *nft; /* NETLINK_NETFILTER there; may be closed where no port is guarded */
};

/* rtnl_link_add_veth(), and where `up` could not guard ports that were not there yet, the guard
 * before the port is up. All or nothing. */
int guard_port_add(const struct guard_socks *s, const struct record *r, const struct rtnl_veth *v,
		   struct err *e);
