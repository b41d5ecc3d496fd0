/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VPN as the whole machine's way out, in the host's namespace. Of the layout "netns" the host has
 * a cable of its own and a table: the cable's default route, and behind it one that says
 * unreachable. Of the layout "bridge" the table is there already. All rules of one default have one
 * priority, behind the rules of every bridge (200 + id): what is plugged in there must never meet
 * the main table. The tunnels' own packets jump over all of them, whichever VPN's they are, so that
 * two can never lead into each other. Pure.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/util.h"
#include "conf/value.h"
#include "nl/addr.h"
#include "want/want.h"

#define METRIC_UNREACHABLE UINT32_MAX
#define VALID_MARK_KEY	   "ipv4/conf/all/src_valid_mark"

static const int families[] = {AF_INET, AF_INET6};

struct prefix {
	int family;
	uint8_t plen;
	uint8_t addr[16];
};

/* A DHCP server can inject a route to anywhere; with "strict" only these are believed. */
static const struct prefix private_nets[] = {
	{AF_INET, 8, {10}},	   {AF_INET, 12, {172, 16}}, {AF_INET, 16, {192, 168}},
	{AF_INET, 16, {169, 254}}, {AF_INET6, 7, {0xfc}},    {AF_INET6, 10, {0xfe, 0x80}},
};

static void add_to(struct want_list *l, struct rtnl_rule r, const struct prefix *p, uint8_t table,
		   bool no_default)
{
	if (p->family != r.family)
		return;
	memcpy(r.dst, p->addr, rtnl_addr_len(p->family));
	r.dst_len = p->plen;
	r.table = table;
	r.no_default = no_default;
	want_add_rule(l, &r);
}

static void add_skips(struct want_list *l, struct rtnl_rule skip, const struct want_marks *marks)
{
	skip.mark = MARK_NET;
	skip.mask = MARK_MASK;
	want_add_rule(l, &skip);
	skip.mask = UINT32_MAX;
	for (size_t i = 0; i < marks->n; i++) {
		skip.mark = marks->at[i];
		want_add_rule(l, &skip);
	}
}

/* Users who are left out choose their addresses as if there were no default. */
static void add_users(struct want_list *l, struct rtnl_rule skip, const struct default_way *w)
{
	skip.own = skip.has_uid = true;
	for (size_t i = 0; i < w->n_users; i++) {
		skip.uid = w->users[i];
		want_add_rule(l, &skip);
	}
}

/* The firewall finds a unit's packets when they have the tunnel's address already, and of the
 * layout "bridge" that leads to the tunnel before any default is asked: this stands in front of it.
 */
static void add_exempt(struct want_list *l, const struct default_way *w, int family)
{
	const struct rtnl_rule r = {.family = family,
				    .priority = BRIDGE_RULE_BASE,
				    .mark = MARK_EXEMPT,
				    .mask = UINT32_MAX,
				    .go_to = DEFAULT_SKIP_BASE + w->id};

	if (w->n_users || w->n_units)
		want_add_rule(l, &r);
}

/* Answers find their way even where the VPN has none; the firewall marks what is no answer. */
static void add_ports(struct want_list *l, struct rtnl_rule skip, const struct default_way *w)
{
	struct rtnl_rule by_vpn = skip;

	by_vpn.go_to = 0;
	by_vpn.table = w->id;
	by_vpn.mark = MARK_BY_DEFAULT;
	by_vpn.mask = UINT32_MAX;
	skip.own = true;
	for (size_t i = 0; i < w->n_ports; i++) {
		if (i == 0) {
			want_add_rule(l, &by_vpn);
			by_vpn.table = 0;
			by_vpn.unreachable = true;
			want_add_rule(l, &by_vpn);
		}
		skip.proto = w->ports[i].udp ? IPPROTO_UDP : IPPROTO_TCP;
		skip.sport = w->ports[i].port;
		want_add_rule(l, &skip);
	}
}

/* Where Tailscale is not, its table is empty and these go on like everything else. */
static void add_tailnets(struct want_list *l, struct rtnl_rule base)
{
	for (size_t i = 0; i < ARRAY_SIZE(tailnets); i++) {
		struct prefix p = {tailnets[i].family, tailnets[i].plen, {0}};

		memcpy(p.addr, &tailnets[i].v6, sizeof(p.addr));
		add_to(l, base, &p, TAILSCALE_TABLE, false);
	}
}

static void add_private(struct want_list *l, struct rtnl_rule base)
{
	for (size_t i = 0; i < ARRAY_SIZE(private_nets); i++)
		add_to(l, base, &private_nets[i], RT_TABLE_MAIN, true);
}

static void add_rules(struct want_list *l, const struct default_way *w,
		      const struct want_marks *marks, int family)
{
	struct rtnl_rule base = {.family = family, .priority = DEFAULT_RULE_BASE + w->id};
	struct rtnl_rule skip = base, r = base;

	skip.go_to = DEFAULT_SKIP_BASE + w->id;
	add_skips(l, skip, marks);
	/* Before the LAN: it may have the same private addresses. */
	for (size_t i = 0; i < RECORD_DNS_MAX && w->dns[i].family; i++) {
		struct prefix p = {w->dns[i].family, w->dns[i].family == AF_INET ? 32 : 128, {0}};

		memcpy(p.addr, w->dns[i].addr, sizeof(p.addr));
		add_to(l, base, &p, w->id, false);
	}
	add_users(l, skip, w);
	add_tailnets(l, base);
	r.table = RT_TABLE_MAIN;
	r.no_default = true;
	if (!w->strict)
		want_add_rule(l, &r);
	else
		add_private(l, base);
	add_ports(l, skip, w);
	r.table = w->id;
	r.no_default = false;
	want_add_rule(l, &r);
	r.table = 0;
	r.unreachable = true;
	want_add_rule(l, &r);
}

static bool has_family(const struct default_way *w, int family)
{
	return family == AF_INET ? w->has_ip4 : w->has_ip6;
}

void want_default_cable(struct want_list *l, const struct default_way *w,
			const struct lease_pool *pool)
{
	struct in_addr g4 = lease_ip4(pool, 1);
	struct in6_addr g6 = lease_ip6(pool, 1);
	uint8_t mac[6];

	lease_mac(pool, w->host, mac);
	want_add_link(l, w->dev, "veth", mac, 0);
	want_device_settings(l, w->dev, "2", w->has_ip6);
	if (w->has_ip4)
		want_add_addr(l, w->dev, AF_INET, &w->addr4, 32, true);
	if (w->has_ip6)
		want_add_addr(l, w->dev, AF_INET6, &w->addr6, 128, true);
	want_add_up(l, w->dev);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		int f = families[i];
		struct want_route *r;

		want_add_route(l, "", f, w->id, METRIC_UNREACHABLE);
		if (!has_family(w, f))
			continue;
		r = want_add_route(l, w->dev, f, w->id, 1);
		r->has_gateway = true;
		memcpy(r->gateway, f == AF_INET ? (const void *)&g4 : (const void *)&g6,
		       rtnl_addr_len(f));
	}
}

/* A place to jump to has to be there before who jumps. */
void want_default_rules(struct want_list *l, const struct default_way *w,
			const struct want_marks *marks)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct rtnl_rule place = {
			.family = families[i], .priority = DEFAULT_SKIP_BASE + w->id, .nop = true};

		want_add_rule(l, &place);
		add_exempt(l, w, families[i]);
		add_rules(l, w, marks, families[i]);
	}
}

void want_boot_firewall(struct want_list *l)
{
	want_add_nft(l, NFPROTO_INET, "vpnrun-boot", 0);
}

/* They belong to no VPN, and stand in front of the first one's. */
void want_boot_rules(struct want_list *l, const struct want_marks *marks)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct rtnl_rule base = {.family = families[i],
					       .priority = DEFAULT_RULE_BASE};
		struct rtnl_rule place = base, skip = base, last = base;

		place.priority = skip.go_to = DEFAULT_SKIP_BASE;
		place.nop = true;
		last.unreachable = true;
		want_add_rule(l, &place);
		add_skips(l, skip, marks);
		add_tailnets(l, base);
		add_private(l, base);
		want_add_rule(l, &last);
	}
}

/* A VPN without IPv4 has no address that the LAN could ask for; the table of ARP is not made. */
void want_default_firewall(struct want_list *l, const struct default_way *w)
{
	char table[WANT_TABLE_LEN];

	if (str_fmt(table, sizeof(table), "vpnrun-default-%s", w->name) < 0)
		l->failed = true;
	want_add_nft(l, NFPROTO_INET, table, 0);
	want_add_nft(l, NFPROTO_ARP, table, WANT_IF_KNOWN);
}

static void add_act(struct want_list *l, enum want_act_what what, const struct default_way *w)
{
	struct want_act *a;

	/* No address would mean everybody's. */
	if (!w->has_ip4 && !w->has_ip6)
		return;
	a = want_add_act(l, what, w->name);
	a->has_ip4 = w->has_ip4;
	a->has_ip6 = w->has_ip6;
	if (w->has_ip4)
		a->addr4 = w->addr4;
	if (w->has_ip6)
		a->addr6 = w->addr6;
	if (w->layout == LAYOUT_NETNS)
		memcpy(a->dev, w->dev, sizeof(a->dev));
}

/* The firewall is there first and goes last: as long as the cable is there, each packet that still
 * arrives by it for a connection that is none any more is answered with a reset, which without the
 * rules takes the uplink. What was opened while the cable went is ended by the second look. */
void want_default(struct want_list *l, const struct default_note *n, const struct default_way *w,
		  const struct want_host *h)
{
	if (n->valid_mark == 0)
		want_add_borrowed(l, VALID_MARK_KEY, "1", "0");
	want_default_firewall(l, w);
	add_act(l, ACT_FLOWS, w);
	if (w->layout == LAYOUT_NETNS) {
		want_default_cable(l, w, &h->pool);
		add_act(l, ACT_CONNECTIONS, w);
	}
	want_default_rules(l, w, &h->marks);
}
