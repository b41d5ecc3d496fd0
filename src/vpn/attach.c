/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Root's own way to a cable, for when the broker has nobody to protect: the same single message,
 * group 0. Must never be reached by anyone but root; checks only that the VPN's namespace is the
 * one its record speaks of. Called by the launcher and the container hooks.
 */
#include "vpn/attach.h"

#include <errno.h>
#include <unistd.h>

#include "nl/rtnl.h"

int attach_as_root(struct nl_sock *s, const struct record *r, int netns_fd, const char *ifname,
		   uint32_t hint, uint32_t *ret_host, struct err *e)
{
	AUTO_CLOSE int vpn_fd = record_open_netns(r, e);
	struct lease_pool pool = record_pool(r);
	uint32_t max = lease_max(&pool);
	char port[LEASE_IF_LEN];
	uint8_t mac[6];
	struct rtnl_veth v = {
		.name = port,
		.netns_fd = vpn_fd,
		.master = r->bridge_ifindex,
		.mtu = r->mtu,
		.peer_name = ifname,
		.peer_netns_fd = netns_fd,
		.peer_mac = mac,
	};

	if (vpn_fd < 0)
		return vpn_fd;
	for (uint32_t i = 0; i + 1 < max; i++) {
		uint32_t h = 2 + (hint % (max - 1) + i) % (max - 1);
		int rc;

		lease_port(&pool, h, port);
		lease_mac(&pool, h, mac);
		rc = rtnl_link_add_veth(s, &v, e);
		if (rc == 0)
			*ret_host = h;
		if (rc == 0)
			return 0;
		if (rc != -EEXIST)
			return err_wrap(e, "cannot plug the sandbox into VPN '%s' as %s", r->name,
					port);
	}
	return err_set(e, -ENOSPC, "VPN '%s' has no free address: all %u are taken", r->name,
		       max - 1);
}
