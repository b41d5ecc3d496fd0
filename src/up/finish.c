/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tunnel's part of the list, for a device that is there.
 */
#include "up/finish.h"

#include "nl/link.h"
#include "ns/netns.h"
#include "ensure/ensure.h"

int tunnel_finish(const struct profile *p, int vpn_netns_fd, uint32_t mtu, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	AUTO_WANT_LIST struct want_list l = {0};
	/* The keeper follows the path: so it is nothing that has to be as it was made. */
	int r = ns_nl_open(&s, vpn_netns_fd, NETLINK_ROUTE, e);

	if (r == 0)
		r = rtnl_link_set_mtu(&s, p->name, mtu, e);
	want_tunnel(&l, p);
	return r < 0 ? r : ensure_make(&l, vpn_netns_fd, NULL, e);
}
