/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and routes of the tunnel device. A family without an address of the tunnel's own gets
 * no route: its packets meet the fallback route of the bridge and are refused at once.
 */
#include "up/finish.h"

#include <errno.h>
#include <string.h>

#include "nl/rtnl.h"
#include "ns/netns.h"
#include "ns/sysctl.h"
#include "up/plan.h"

static int add_addresses(struct nl_sock *s, const struct profile *p, struct err *e)
{
	const struct tunnel *t = &p->tunnel;

	for (size_t i = 0; i < t->n_addresses; i++) {
		const struct ipaddr *a = &t->addresses[i];
		int r;

		if (!plan_source(p, a->family))
			continue;
		r = rtnl_addr_add(s, p->name, a->family, &a->v4, a->plen, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int tunnel_add_routes(struct nl_sock *s, const struct profile *p, int oif, uint8_t table,
		      struct err *e)
{
	const struct tunnel *t = &p->tunnel;
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->n_peers; i++)
		for (size_t j = 0; r == 0 && j < t->peers[i].n_allowed; j++) {
			const struct ipaddr *a = &t->peers[i].allowed[j];
			struct rtnl_route route = {
				.family = a->family,
				.dst = a->plen ? &a->v4 : NULL,
				.plen = a->plen,
				.oif = oif,
				.table = table,
			};

			if (plan_source(p, a->family))
				r = rtnl_route_replace(s, &route, p->name, e);
		}
	return r;
}

/* The kernel's WireGuard switches redirects off for the whole machine when its device comes up. */
static int set_device_up(struct nl_sock *s, const char *name, struct err *e)
{
	static const char path[] = NS_SYSCTL_DIR "ipv4/conf/all/send_redirects";
	AUTO_FREE char *before = NULL, *after = NULL;
	int r = file_read(path, 64, &before, NULL, e);

	if (r == 0)
		r = rtnl_link_set_up(s, name, true, e);
	if (r == 0)
		r = file_read(path, 64, &after, NULL, e);
	if (r == 0 && strcmp(before, after) != 0)
		r = file_write_existing(path, before, e);
	return r;
}

static int finish_on_host(const struct profile *p, uint32_t mtu, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct rtnl_link link;
	int r = nl_sock_open(&s, NETLINK_ROUTE, e);

	if (r == 0)
		r = rtnl_link_get(&s, RTNL_HERE, p->name, &link, e);
	if (r == 0)
		r = rtnl_link_set_mtu(&s, p->name, mtu, e);
	/* Loose here alone: by the main table, answers from the VPN come the wrong way. */
	if (r == 0)
		r = ns_sysctl_guard_device(p->name, "2", plan_source(p, AF_INET6) != NULL, e);
	for (size_t i = 0; r == 0 && i < p->tunnel.n_addresses; i++) {
		const struct ipaddr *a = &p->tunnel.addresses[i];
		struct nl_msg m;

		/* Of a second one of a family no rule knows: its packets would take the uplink. */
		if (a != plan_source(p, a->family))
			continue;
		/* No route with it: the main table is not ours to add to. */
		nl_msg_init(&m);
		rtnl_put_addr(&m, link.ifindex, a->family, &a->v4, a->plen, true);
		r = nl_call(&s, &m, e);
		r = r == -EEXIST ? 0
		    : r < 0	 ? err_wrap(e, r, "cannot add %s to %s", a->text, p->name)
				 : 0;
	}
	if (r == 0)
		r = set_device_up(&s, p->name, e);
	return r < 0 ? r : tunnel_add_routes(&s, p, link.ifindex, (uint8_t)p->id, e);
}

int tunnel_finish(const struct profile *p, int vpn_netns_fd, uint32_t mtu, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct rtnl_link link;
	char key[64];
	int r;

	if (p->layout == LAYOUT_BRIDGE)
		return finish_on_host(p, mtu, e);
	r = ns_nl_open(&s, vpn_netns_fd, NETLINK_ROUTE, e);
	if (r == 0)
		r = rtnl_link_get(&s, RTNL_HERE, p->name, &link, e);
	if (r == 0)
		r = rtnl_link_set_mtu(&s, p->name, mtu, e);
	if (r == 0 && plan_source(p, AF_INET6)) {
		/* The namespace's default is off; see the sysctls of `up`. */
		str_fmt(key, sizeof(key), "ipv6/conf/%s/disable_ipv6", p->name);
		r = ns_sysctl_write(vpn_netns_fd, key, "0", e);
	}
	if (r == 0)
		r = add_addresses(&s, p, e);
	if (r == 0)
		r = rtnl_link_set_up(&s, p->name, true, e);
	if (r == 0)
		r = tunnel_add_routes(&s, p, link.ifindex, 0, e);
	return r < 0 ? r : 0;
}
