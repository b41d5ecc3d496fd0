/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VPN of the layout "bridge", in the host's namespace, in the order of the making: the firewall
 * stands before the bridge is up, the table has its last route before a rule leads there, and each
 * rule that leads there is followed by one that closes. Pure.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/util.h"
#include "conf/plan.h"
#include "conf/value.h"
#include "nl/addr.h"
#include "want/want.h"

#define METRIC_UNREACHABLE UINT32_MAX
#define METRIC_FALLBACK	   (UINT32_MAX - 1)

static const int families[] = {AF_INET, AF_INET6};

/* --- rules ----------------------------------------------------------------------------------- */

static void copy_prefix(uint8_t dst[16], int family, const void *addr)
{
	memcpy(dst, addr, rtnl_addr_len(family));
}

/* A lookup and what closes it. */
static void add_pair(struct want_list *l, struct rtnl_rule r, uint8_t table)
{
	r.table = table;
	want_add_rule(l, &r);
	r.table = 0;
	r.no_default = false;
	r.unreachable = true;
	want_add_rule(l, &r);
}

/* An endpoint may lie in one of the subnets: what is encrypted already must not go in again. */
static void add_skips(struct want_list *l, const struct profile *p, struct rtnl_rule r)
{
	bool any = false;

	for (size_t i = 0; i < p->n_subnets; i++)
		any = any || p->subnets[i].family == r.family;
	if (!any)
		return;
	r.table = RT_TABLE_MAIN;
	r.mark = MARK_NET;
	r.mask = MARK_MASK;
	want_add_rule(l, &r);
	if ((p->tunnel.fwmark & MARK_MASK) == MARK_NET)
		return;
	r.mark = p->tunnel.fwmark;
	r.mask = UINT32_MAX;
	want_add_rule(l, &r);
}

/* It comes before all else, and only where there is a LAN: never by the way that leads to the rest.
 * The tailnet is a LAN whose routes Tailscale keeps in a table of its own. */
static void add_lan(struct want_list *l, const struct profile *p, const struct rtnl_rule *from)
{
	for (size_t i = 0; i < p->n_allow_lan; i++) {
		struct rtnl_rule r = *from;

		if (p->allow_lan[i].family != r.family)
			continue;
		copy_prefix(r.dst, r.family, &p->allow_lan[i].v4);
		r.dst_len = p->allow_lan[i].plen;
		r.no_default = true;
		add_pair(l, r,
			 ipaddr_is_tailnet(&p->allow_lan[i]) ? TAILSCALE_TABLE : RT_TABLE_MAIN);
	}
}

/* The page of a captive portal is most often a host of the device's own LAN, and so is the server
 * that is asked for names: there the host's own routes lead. Halves of the internet, which other
 * programs lead into their tunnels so, are not asked for. What leaves by another device than that
 * one is refused by the firewall, a server excepted. */
static void add_near(struct want_list *l, const struct profile *p, const struct rtnl_rule *from)
{
	static const struct {
		uint8_t net[16], plen;
		int family;
	} near[] = {
		{{10}, 8, AF_INET},	  {{172, 16}, 12, AF_INET}, {{192, 168}, 16, AF_INET},
		{{100, 64}, 10, AF_INET}, {{0xfc}, 7, AF_INET6},
	};
	int is_6 = from->family == AF_INET6;
	struct rtnl_rule r = *from;

	r.table = RT_TABLE_MAIN;
	r.no_default = true;
	for (size_t i = 0; i < ARRAY_SIZE(near); i++) {
		if (near[i].family != r.family)
			continue;
		copy_prefix(r.dst, r.family, near[i].net);
		r.dst_len = near[i].plen;
		want_add_rule(l, &r);
	}
	if (!p->way->of[is_6].has_dns)
		return;
	copy_prefix(r.dst, r.family, p->way->of[is_6].dns);
	r.dst_len = is_6 ? 128 : 32;
	want_add_rule(l, &r);
}

static void add_rules(struct want_list *l, const struct profile *p, int family)
{
	struct rtnl_rule base = {.family = family, .priority = BRIDGE_RULE_BASE + (uint32_t)p->id};
	struct lease_pool pool = plan_pool(p);
	struct in6_addr net6 = lease_ip6(&pool, 0);
	const struct ipaddr *own = plan_source(p, family);
	struct rtnl_rule from = base, r;

	if (family == AF_INET)
		copy_prefix(from.src, family, &p->subnet4);
	else
		copy_prefix(from.src, family, &net6);
	from.src_len = family == AF_INET ? p->subnet4_plen : 64;
	add_lan(l, p, &from);
	if (p->way)
		add_near(l, p, &from);
	add_pair(l, from, (uint8_t)p->id);
	if (own && !p->way) {
		r = base;
		copy_prefix(r.src, family, &own->v4);
		r.src_len = family == AF_INET ? 32 : 128;
		add_pair(l, r, (uint8_t)p->id);
	}
	add_skips(l, p, base);
	for (size_t i = 0; i < p->n_subnets; i++) {
		if (p->subnets[i].family != family)
			continue;
		r = base;
		copy_prefix(r.dst, family, &p->subnets[i].v4);
		r.dst_len = p->subnets[i].plen;
		add_pair(l, r, (uint8_t)p->id);
	}
}

/* --- table ----------------------------------------------------------------------------------- */

/* The table is never without its last route: what flushes it meets the rule behind. */
static void add_closed_routes(struct want_list *l, const struct profile *p)
{
	struct lease_pool pool = plan_pool(p);
	struct in6_addr net6 = lease_ip6(&pool, 0);
	uint8_t table = (uint8_t)p->id;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		int f = families[i];

		want_add_route(l, "", f, table, METRIC_UNREACHABLE);
		if (f == AF_INET6 && !plan_source(p, f))
			continue;
		/* Packets that the tunnel does not take come to the firewall by this one, which
		 * refuses them at once; the kernel's own refusals are rationed. Not by the bridge
		 * where the kernel lets: back to where they came from, each would cost a redirect
		 * out of that ration. */
		want_add_route(l, f == AF_INET ? "lo" : p->bridge, f, table, METRIC_FALLBACK);
		if (f == AF_INET)
			want_route_to(want_add_route(l, p->bridge, f, table, 0), &p->subnet4,
				      p->subnet4_plen);
		else
			want_route_to(want_add_route(l, p->bridge, f, table, 0), &net6, 64);
	}
}

static void add_table(struct want_list *l, const char *vpn, uint8_t family, const char *tail,
		      uint32_t flags)
{
	char table[WANT_TABLE_LEN];

	if (str_fmt(table, sizeof(table), "vpnrun-%s%s", vpn, tail) < 0)
		l->failed = true;
	want_add_nft(l, family, table, flags);
}

/* --- the parts, in their order --------------------------------------------------------------- */

void want_bridge_firewall(struct want_list *l, const struct profile *p)
{
	add_table(l, p->name, NFPROTO_INET, "", 0);
	add_table(l, p->name, NFPROTO_BRIDGE, "", 0);
}

void want_bridge_device(struct want_list *l, const struct profile *p, uint32_t mtu)
{
	struct lease_pool pool = plan_pool(p);
	struct in_addr g4 = lease_ip4(&pool, 1);
	struct in6_addr g6 = lease_ip6(&pool, 1), net6 = lease_ip6(&pool, 0);
	const struct in6_addr link_local = {.s6_addr = {0xfe, 0x80, [15] = 1}};
	bool ip6 = plan_source(p, AF_INET6) != NULL;
	const char *br = p->bridge;
	uint8_t mac[6];

	lease_mac(&pool, 1, mac);
	want_add_link(l, br, "bridge", mac, mtu);
	want_device_settings(l, br, "1", ip6);
	/* What the host itself must not do with the bridge's devices. */
	add_table(l, p->name, NFPROTO_ARP, "", WANT_IF_KNOWN);
	add_table(l, p->name, NFPROTO_NETDEV, "/guard", WANT_IF_KNOWN);
	want_add_addr(l, br, AF_INET, &g4, pool.plen, false);
	if (ip6) {
		want_add_addr(l, br, AF_INET6, &g6, 64, false);
		/* Without one, the kernel asks for no neighbour on behalf of others. */
		want_add_addr(l, br, AF_INET6, &link_local, 64, false);
		/* The sandboxes' IPv4 addresses are shared with what is plugged in by hand, and the
		 * firewall judges each claim. */
		want_add_neigh(l, br, &pool, AF_INET6);
	}
	want_add_up(l, br);
	want_route_to(want_add_route(l, br, AF_INET, RT_TABLE_MAIN, 0), &p->subnet4,
		      p->subnet4_plen);
	if (ip6)
		want_route_to(want_add_route(l, br, AF_INET6, RT_TABLE_MAIN, 256), &net6, 64);
}

void want_bridge_table(struct want_list *l, const struct profile *p)
{
	/* Adds what refuses a busy program at once. */
	if (!p->way)
		add_table(l, p->name, NFPROTO_NETDEV, "", WANT_IF_KNOWN);
	add_closed_routes(l, p);
}

void want_bridge_rules(struct want_list *l, const struct profile *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		add_rules(l, p, families[i]);
}

void want_bridge_rest(struct want_list *l, const struct record *r)
{
	add_table(l, r->name, NFPROTO_INET, "", 0);
	add_table(l, r->name, NFPROTO_BRIDGE, "", 0);
	want_add_link(l, r->bridge, "bridge", NULL, 0);
	add_table(l, r->name, NFPROTO_ARP, "", WANT_IF_KNOWN);
	add_table(l, r->name, NFPROTO_NETDEV, "/guard", WANT_IF_KNOWN);
	add_table(l, r->name, NFPROTO_NETDEV, "", WANT_IF_KNOWN);
	want_add_route(l, "", AF_INET, r->id, METRIC_UNREACHABLE);
	want_add_route(l, "", AF_INET6, r->id, METRIC_UNREACHABLE);
	want_add_route(l, "lo", AF_INET, r->id, METRIC_FALLBACK);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct rtnl_rule any = {.family = families[i],
					      .priority = BRIDGE_RULE_BASE + r->id};

		want_add_rule(l, &any);
	}
}
