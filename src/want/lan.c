/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In the VPN's namespace a table of its own leads to the cable, and only packets with the mark that
 * the firewall gives to programs of --lan look there: everybody else's go as if there were no
 * cable. Where the cable is gone, the same prefixes lead back to the bridge, where the firewall
 * refuses them: what was meant for the LAN never goes through the tunnel to whoever has that
 * address there. On the host, packets of the cable find those prefixes by routes of a LAN alone,
 * never by the default one, and everything else is unreachable. Called by lan/lan.
 */
#include "want/lan.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/util.h"
#include "conf/plan.h"
#include "conf/value.h"
#include "nl/addr.h"

static const int families[] = {AF_INET, AF_INET6};

/* The link-local block has no other use on a point-to-point link, and its numbers are no network's
 * that anybody could have to reach. */
void lan_cable_of(const char *vpn, int id, struct lan_cable *ret)
{
	struct lease_pool pool = {.id = (uint8_t)id};
	uint32_t base = 0xa9fe7600u + 2 * (uint32_t)id; /* 169.254.118.2×ID */
	struct in6_addr six = lease_ip6(&pool, 0);

	*ret = (struct lan_cable){.host4.s_addr = htonl(base), .inner4.s_addr = htonl(base + 1)};
	str_device_of("vl", vpn, id, ret->dev);
	lease_mac(&pool, 0xfffe, ret->host_mac);
	six.s6_addr[6] = 1; /* outside of every pool */
	six.s6_addr[15] = 1;
	ret->host6 = six;
	six.s6_addr[15] = 2;
	ret->inner6 = six;
}

bool lan_is_wanted(const struct profile *p)
{
	return p->layout == LAYOUT_NETNS && p->n_allow_lan;
}

bool lan_has(const struct profile *p, int family)
{
	for (size_t i = 0; i < p->n_allow_lan; i++)
		if (p->allow_lan[i].family == family)
			return lan_is_wanted(p) && plan_source(p, family);
	return false;
}

static const void *pick(int family, const struct in_addr *a4, const struct in6_addr *a6)
{
	return family == AF_INET ? (const void *)a4 : (const void *)a6;
}

static void add_ways(struct want_list *l, const struct profile *p, const struct lan_cable *c,
		     int family)
{
	const struct rtnl_rule rule = {.family = family,
				       .priority = LAN_RULE,
				       .table = LAN_TABLE,
				       .mark = LAN_MARK,
				       .mask = LAN_MARK};

	for (size_t i = 0; i < p->n_allow_lan; i++) {
		const struct ipaddr *a = &p->allow_lan[i];
		struct want_route *r;

		if (a->family != family)
			continue;
		want_route_to(want_add_route(l, p->bridge, family, LAN_TABLE, UINT32_MAX), &a->v4,
			      a->plen);
		r = want_add_route(l, c->dev, family, LAN_TABLE, 1);
		want_route_to(r, &a->v4, a->plen);
		r->has_gateway = true;
		memcpy(r->gateway, pick(family, &c->host4, &c->host6), rtnl_addr_len(family));
	}
	want_add_rule(l, &rule);
}

/* Without a link-local one, the kernel asks for no neighbour on behalf of others. */
static void add_address6(struct want_list *l, const char *dev, const struct in6_addr *addr,
			 uint8_t n)
{
	const struct in6_addr link_local = {.s6_addr = {0xfe, 0x80, [15] = n}};

	want_add_addr(l, dev, AF_INET6, addr, 128, true);
	want_add_addr(l, dev, AF_INET6, &link_local, 64, true);
}

/* What answers comes from an address that the tunnel's route leads to: the way back counts only by
 * there being one. */
void want_lan_inside(struct want_list *l, const struct profile *p)
{
	struct lan_cable c;

	if (!lan_is_wanted(p))
		return;
	lan_cable_of(p->name, p->id, &c);
	want_add_link(l, c.dev, "veth", NULL, 0);
	want_device_settings(l, c.dev, "2", lan_has(p, AF_INET6));
	if (lan_has(p, AF_INET))
		want_add_addr(l, c.dev, AF_INET, &c.inner4, 32, true);
	if (lan_has(p, AF_INET6))
		add_address6(l, c.dev, &c.inner6, 2);
	want_add_up(l, c.dev);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (lan_has(p, families[i]))
			add_ways(l, p, &c, families[i]);
}

/* --- the host's end -------------------------------------------------------------------------- */

static void add_rules(struct want_list *l, const struct profile *p, const struct lan_cable *c,
		      int family)
{
	const struct rtnl_rule from = {.family = family,
				       .priority = BRIDGE_RULE_BASE + (uint32_t)p->id,
				       .src_len = family == AF_INET ? 32 : 128};
	struct rtnl_rule base = from, r;

	memcpy(base.src, pick(family, &c->inner4, &c->inner6), rtnl_addr_len(family));
	for (size_t i = 0; i < p->n_allow_lan; i++) {
		const struct ipaddr *a = &p->allow_lan[i];

		if (a->family != family)
			continue;
		r = base;
		memcpy(r.dst, &a->v4, rtnl_addr_len(family));
		r.dst_len = a->plen;
		r.table = ipaddr_is_tailnet(a) ? TAILSCALE_TABLE : RT_TABLE_MAIN;
		r.no_default = true;
		want_add_rule(l, &r);
	}
	r = base;
	r.unreachable = true;
	want_add_rule(l, &r);
}

void want_lan_firewall(struct want_list *l, const char *vpn)
{
	char table[WANT_TABLE_LEN];

	if (str_fmt(table, sizeof(table), "vpnrun-%s/lan", vpn) < 0)
		l->failed = true;
	want_add_nft(l, NFPROTO_INET, table, 0);
}

void want_lan_host(struct want_list *l, const struct profile *p)
{
	struct lan_cable c;

	lan_cable_of(p->name, p->id, &c);
	want_add_link(l, c.dev, "veth", c.host_mac, 0);
	want_device_settings(l, c.dev, "1", lan_has(p, AF_INET6));
	if (lan_has(p, AF_INET))
		want_add_addr(l, c.dev, AF_INET, &c.host4, 32, true);
	if (lan_has(p, AF_INET6))
		add_address6(l, c.dev, &c.host6, 1);
	want_add_up(l, c.dev);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		int f = families[i];

		if (!lan_has(p, f))
			continue;
		want_route_to(want_add_route(l, c.dev, f, RT_TABLE_MAIN, 0),
			      pick(f, &c.inner4, &c.inner6), f == AF_INET ? 32 : 128);
		add_rules(l, p, &c, f);
	}
}

void want_lan_rest(struct want_list *l, const char *vpn, int id)
{
	struct lan_cable c;

	lan_cable_of(vpn, id, &c);
	want_lan_firewall(l, vpn);
	want_add_link(l, c.dev, "veth", NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct rtnl_rule any = {.family = families[i],
					      .priority = BRIDGE_RULE_BASE + (uint32_t)id};

		want_add_rule(l, &any);
	}
}
