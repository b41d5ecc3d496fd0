/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tunnel's device in either layout, and the settings of a device that is among the host's or in
 * a namespace of our own. Pure.
 */
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/util.h"
#include "conf/plan.h"
#include "nl/addr.h"
#include "want/want.h"

#define WAY_METRIC 1 /* what the kernel itself would make of 0 differs by family */

void want_device_settings(struct want_list *l, const char *dev, const char *rp_filter, bool ip6)
{
	static const struct {
		const char *key, *value;
	} all[] = {
		{"ipv4/conf/%s/accept_redirects", "0"},
		{"ipv4/conf/%s/send_redirects", "0"},
		{"ipv4/conf/%s/accept_source_route", "0"},
		{"ipv4/conf/%s/arp_ignore", "1"},
		{"ipv4/conf/%s/forwarding", "1"},
		{"ipv6/conf/%s/accept_ra", "0"},
		{"ipv6/conf/%s/accept_redirects", "0"},
		{"ipv6/conf/%s/addr_gen_mode", "1"},
		/* The switch is there since 6.17; before, only that of the whole machine forwards
		 * IPv6. */
		{"ipv6/conf/%s/force_forwarding", "1"},
	};

	want_add_sysctl(l, "ipv4/conf/%s/rp_filter", dev, rp_filter, 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		want_add_sysctl(l, all[i].key, dev, all[i].value,
				str_starts(all[i].key, "ipv6") ? WANT_IF_KNOWN : 0);
	want_add_sysctl(l, "ipv6/conf/%s/disable_ipv6", dev, ip6 ? "0" : "1", WANT_IF_KNOWN);
}

/* The switch of the whole namespace is passed on to a device only when it changes. */
void want_own_settings(struct want_list *l, const char *dev, bool ip6)
{
	want_add_sysctl(l, "ipv4/conf/%s/forwarding", dev, "1", 0);
	want_add_sysctl(l, "ipv4/conf/%s/send_redirects", dev, "0", 0);
	want_add_sysctl(l, "ipv6/conf/%s/disable_ipv6", dev, ip6 ? "0" : "1",
			ip6 ? 0 : WANT_IF_KNOWN);
}

static void add_routes(struct want_list *l, const struct profile *p, uint8_t table)
{
	const struct tunnel *t = &p->tunnel;

	for (size_t i = 0; i < t->n_peers; i++)
		for (size_t j = 0; j < t->peers[i].n_allowed; j++) {
			const struct ipaddr *a = &t->peers[i].allowed[j];

			if (plan_source(p, a->family))
				want_route_to(want_add_route(l, p->name, a->family, table, 0),
					      &a->v4, a->plen);
		}
}

/* By whose device it goes is not for us to set up: there is a way there, or none. */
static void add_way(struct want_list *l, const struct profile *p)
{
	static const int families[] = {AF_INET, AF_INET6};

	for (size_t i = 0; i < ARRAY_SIZE(families) && p->way->dev[0]; i++) {
		struct want_route *r;

		if (!p->way->of[i].is_open)
			continue;
		r = want_add_route(l, p->way->dev, families[i], (uint8_t)p->id, WAY_METRIC);
		r->has_gateway = p->way->of[i].has_gateway;
		if (r->has_gateway)
			memcpy(r->gateway, p->way->of[i].gateway, rtnl_addr_len(families[i]));
	}
}

/* A family without an address of the tunnel's own gets no route: its packets meet the fallback
 * route of the bridge and are refused at once. */
void want_tunnel(struct want_list *l, const struct profile *p)
{
	bool is_bridge = p->layout == LAYOUT_BRIDGE;
	bool ip6 = plan_source(p, AF_INET6) != NULL;

	if (p->way) {
		add_way(l, p);
		return;
	}
	want_add_link(l, p->name, "", NULL, 0);
	/* Loose here alone: by the main table, answers from the VPN come the wrong way. */
	if (is_bridge)
		want_device_settings(l, p->name, "2", ip6);
	else
		want_own_settings(l, p->name, ip6);
	for (size_t i = 0; i < p->tunnel.n_addresses; i++) {
		const struct ipaddr *a = &p->tunnel.addresses[i], *own = plan_source(p, a->family);

		/* Of a second one of a family no rule of the bridge layout knows: its packets would
		 * take the uplink. And no route with it: the main table is not ours to add to. */
		if (own && (!is_bridge || a == own))
			want_add_addr(l, p->name, a->family, &a->v4, a->plen, is_bridge);
	}
	want_add_up(l, p->name);
	add_routes(l, p, is_bridge ? (uint8_t)p->id : RT_TABLE_MAIN);
}
