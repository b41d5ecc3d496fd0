/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Root's own way to a cable, for when the broker has nobody to protect: the same single message,
 * group 0. Must never be reached by anyone but root; checks only that the VPN's namespace is the
 * one its record speaks of. Called by the launcher and the container hooks.
 */
#include "plug/attach.h"

#include <errno.h>
#include <unistd.h>

#include "nl/rtnl.h"
#include "ns/netns.h"
#include "plug/guard_port.h"

/* -EEXIST: the lease is taken, try another. *looks: a socket where the ports are, or a closed one.
 */
static int try_host(struct nl_sock *s, struct nl_sock *looks, const struct record *rec,
		    const struct rtnl_veth *v, struct err *e)
{
	int r;

	/* Costs a hundredth of an EEXIST, and before 6.14, where the kernel makes the peer first
	 * and takes it back, a ten-thousandth. */
	if (looks->fd >= 0 && rtnl_link_exists(looks, v->name))
		return -EEXIST;
	r = guard_port_add(s, rec, v->netns_fd, v, e);
	if (r != -EEXIST || looks->fd < 0 || rtnl_link_exists(looks, v->name))
		return r;
	/* Given up in between; or it was the other name. */
	r = guard_port_add(s, rec, v->netns_fd, v, e);
	if (r != -EEXIST || rtnl_link_exists(looks, v->name))
		return r;
	return err_set(e, -EALREADY, "that network namespace already has a device called %s",
		       v->peer_name);
}

/* Steps of so much go through all n numbers, and leave a long run of taken ones at once. */
static uint32_t find_stride(uint32_t n)
{
	uint32_t stride = n * 5 / 8 + 1;

	for (;; stride++) {
		uint32_t a = n, b = stride;

		while (b) {
			uint32_t rest = a % b;

			a = b;
			b = rest;
		}
		if (a == 1)
			return stride;
	}
}

int attach_as_root(struct nl_sock *s, const struct record *r, int netns_fd, const char *ifname,
		   uint32_t hint, uint32_t *ret_host, struct err *e)
{
	AUTO_CLOSE int vpn_fd = record_open_netns(r, e);
	AUTO_NL_SOCK struct nl_sock looks = NL_SOCK_INIT;
	struct lease_pool pool = record_pool(r);
	uint32_t max = lease_max(&pool), stride;
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
	/* One who has CAP_NET_ADMIN alone plugs as well, and only searches slower. */
	ns_nl_open(&looks, vpn_fd, NETLINK_ROUTE, NULL);
	stride = find_stride(max - 1);
	for (uint32_t i = 0; i + 1 < max; i++) {
		uint32_t h = 2 + (hint % (max - 1) + i * stride) % (max - 1);
		int rc;

		lease_port(&pool, h, port);
		lease_mac(&pool, h, mac);
		rc = try_host(s, &looks, r, &v, e);
		if (rc == 0)
			*ret_host = h;
		if (rc == 0)
			return 0;
		if (rc != -EEXIST)
			return err_wrap(e, rc, "cannot plug the sandbox into VPN '%s' as %s",
					r->name, port);
	}
	return err_set(e, -ENOSPC, "VPN '%s' has no free address: all %u are taken", r->name,
		       max - 1);
}
