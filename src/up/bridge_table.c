/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The routing table and the rules of a VPN of the bridge layout, among those of others. The rules
 * come in pairs, a lookup and what closes it. Must never touch a route of another table, nor a rule
 * that does not carry our protocol number and this VPN's priority. Called by up/bridge.
 */
#include "up/bridge_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "nl/diag.h"
#include "nl/nft.h"
#include "nl/rtnl.h"
#include "nl/rule.h"
#include "up/plan.h"
#include "conf/value.h"

#define RULES_MAX	   80
#define LIST_MAX	   16 /* of "subnets" and "allow_lan"; see profile.c */
#define METRIC_UNREACHABLE UINT32_MAX
#define METRIC_FALLBACK	   (UINT32_MAX - 1)

static const int families[] = {AF_INET, AF_INET6};

/* --- table and rules ------------------------------------------------------------------------- */

/* The table is never without its last route: what flushes it meets the rule behind. */
static int add_closed_routes(struct nl_sock *s, const struct profile *p, int br, struct err *e)
{
	struct lease_pool pool = plan_pool(p);
	struct in6_addr net6 = lease_ip6(&pool, 0);
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++) {
		int f = families[i];
		struct rtnl_route route = {
			.family = f,
			.table = (uint8_t)p->id,
			.metric = METRIC_UNREACHABLE,
			.unreachable = true,
		};

		r = rtnl_route_replace(s, &route, p->name, e);
		if (r < 0 || !(f == AF_INET || plan_source(p, f)))
			continue;
		/* Packets that the tunnel does not take come to the firewall by this one, which
		 * refuses them at once; the kernel's own refusals are rationed. Not by the bridge
		 * where the kernel lets: back to where they came from, each would cost a redirect
		 * out of that ration. */
		route.unreachable = false;
		route.oif = f == AF_INET ? LO_IFINDEX : br;
		route.metric = METRIC_FALLBACK;
		r = rtnl_route_replace(s, &route, f == AF_INET ? "lo" : p->bridge, e);
		route.oif = br;
		route.metric = 0;
		route.dst = f == AF_INET ? (const void *)&p->subnet4 : (const void *)&net6;
		route.plen = f == AF_INET ? p->subnet4_plen : 64;
		if (r == 0)
			r = rtnl_route_replace(s, &route, p->bridge, e);
	}
	return r;
}

struct rules {
	struct rtnl_rule at[RULES_MAX];
	int n;
};

static void copy_prefix(uint8_t dst[16], int family, const void *addr)
{
	memcpy(dst, addr, rtnl_addr_len(family));
}

/* A lookup and what closes it. */
static void put_pair(struct rules *rs, struct rtnl_rule r, uint8_t table)
{
	r.table = table;
	rs->at[rs->n++] = r;
	r.table = 0;
	r.no_default = false;
	r.unreachable = true;
	rs->at[rs->n++] = r;
}

/* An endpoint may lie in one of the subnets: what is encrypted already must not go in again. */
static void put_skips(const struct profile *p, struct rtnl_rule r, struct rules *rs)
{
	bool any = false;

	for (size_t i = 0; i < p->n_subnets; i++)
		any = any || p->subnets[i].family == r.family;
	if (!any)
		return;
	r.table = RT_TABLE_MAIN;
	r.mark = MARK_NET;
	r.mask = MARK_MASK;
	rs->at[rs->n++] = r;
	if ((p->tunnel.fwmark & MARK_MASK) == MARK_NET)
		return;
	r.mark = p->tunnel.fwmark;
	r.mask = UINT32_MAX;
	rs->at[rs->n++] = r;
}

static void plan_rules(const struct profile *p, int family, struct rules *ret)
{
	struct rtnl_rule base = {.family = family, .priority = BRIDGE_RULE_BASE + (uint32_t)p->id};
	struct lease_pool pool = plan_pool(p);
	struct in6_addr net6 = lease_ip6(&pool, 0);
	const struct ipaddr *own = plan_source(p, family);
	struct rtnl_rule from = base, r;

	ret->n = 0;
	if (family == AF_INET)
		copy_prefix(from.src, family, &p->subnet4);
	else
		copy_prefix(from.src, family, &net6);
	from.src_len = family == AF_INET ? p->subnet4_plen : 64;
	/* Before all else, and only where there is a LAN: never by the way that leads to the rest.
	 * The tailnet is a LAN whose routes Tailscale keeps in a table of its own. */
	for (size_t i = 0; i < p->n_allow_lan && i < LIST_MAX; i++) {
		if (p->allow_lan[i].family != family)
			continue;
		r = from;
		copy_prefix(r.dst, family, &p->allow_lan[i].v4);
		r.dst_len = p->allow_lan[i].plen;
		r.no_default = true;
		put_pair(ret, r,
			 ipaddr_is_tailnet(&p->allow_lan[i]) ? TAILSCALE_TABLE : RT_TABLE_MAIN);
	}
	put_pair(ret, from, (uint8_t)p->id);
	if (own) {
		r = base;
		copy_prefix(r.src, family, &own->v4);
		r.src_len = family == AF_INET ? 32 : 128;
		put_pair(ret, r, (uint8_t)p->id);
	}
	put_skips(p, base, ret);
	for (size_t i = 0; i < p->n_subnets && i < LIST_MAX; i++) {
		if (p->subnets[i].family != family)
			continue;
		r = base;
		copy_prefix(r.dst, family, &p->subnets[i].v4);
		r.dst_len = p->subnets[i].plen;
		put_pair(ret, r, (uint8_t)p->id);
	}
}

static int delete_rules(struct nl_sock *s, int id, int family, struct err *e)
{
	struct rules there;
	int r = rtnl_rule_list(s, family, BRIDGE_RULE_BASE + (uint32_t)id, there.at, RULES_MAX, e);

	there.n = r;
	for (int i = 0; r >= 0 && i < there.n; i++)
		r = rtnl_rule_delete(s, &there.at[i], e);
	return r < 0 ? r : 0;
}

/* All there in their order: nothing to do. Else all anew; the firewall holds meanwhile. */
static int ensure_rules(struct nl_sock *s, const struct profile *p, int family, struct err *e)
{
	struct rules want, there;
	int r;

	memset(&want, 0, sizeof(want));
	plan_rules(p, family, &want);
	r = rtnl_rule_list(s, family, BRIDGE_RULE_BASE + (uint32_t)p->id, there.at, RULES_MAX, e);
	if (r == want.n && memcmp(want.at, there.at, sizeof(want.at[0]) * (size_t)r) == 0)
		return 0;
	if (r >= 0)
		r = delete_rules(s, p->id, family, e);
	for (int i = 0; r == 0 && i < want.n; i++)
		r = rtnl_rule_add(s, &want.at[i], e);
	return r;
}

int bridge_table_make(const struct profile *p, int bridge_ifindex, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	unsigned int left;
	int r = nl_sock_open(&s, NETLINK_ROUTE, e);

	if (r == 0)
		r = add_closed_routes(&s, p, bridge_ifindex, e);
	if (r == 0)
		r = bridge_table_end_sockets(p->id, p, true, &left, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++)
		r = ensure_rules(&s, p, families[i], e);
	return r;
}

int bridge_table_remove(int id, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	int r = nl_sock_open(&s, NETLINK_ROUTE, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++) {
		struct rtnl_route last = {
			.family = families[i],
			.table = (uint8_t)id,
			.metric = METRIC_UNREACHABLE,
			.unreachable = true,
		};

		r = delete_rules(&s, id, families[i], e);
		if (r == 0)
			r = rtnl_route_delete(&s, &last, e);
		/* The others went with the bridge. */
		if (r < 0 || families[i] != AF_INET)
			continue;
		last.unreachable = false;
		last.oif = LO_IFINDEX;
		last.metric = METRIC_FALLBACK;
		r = rtnl_route_delete(&s, &last, e);
	}
	return r;
}

/* --- sockets of the tunnel's address ---------------------------------------------------------- */

/* The rules say what it was, also after the profile has changed. */
static bool is_own_address(const struct rtnl_rule *r, const struct profile *keep)
{
	const struct ipaddr *own = keep ? plan_source(keep, r->family) : NULL;
	size_t len = rtnl_addr_len(r->family);

	if (r->src_len != len * 8 || r->dst_len || !r->table)
		return false;
	return !own || memcmp(&own->v4, r->src, len) != 0;
}

/* A UDP socket that is ended keeps its address and may go on: it is waited for, unless all shall
 * end.
 */
static int end_sockets_of(struct nl_sock *diag, const struct rtnl_rule *rule, bool all, size_t *ret,
			  struct err *e)
{
	size_t tcp = 0, udp = 0;
	int r = diag_from(diag, IPPROTO_TCP, rule->family, rule->src, true, &tcp, e);

	if (r == 0)
		r = diag_from(diag, IPPROTO_TCP, rule->family, rule->src, false, &tcp, e);
	if (r == 0)
		r = diag_from(diag, IPPROTO_UDP, rule->family, rule->src, all, &udp, e);
	*ret = tcp + udp;
	return r;
}

int bridge_table_end_sockets(int id, const struct profile *keep, bool all, unsigned int *ret,
			     struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT, diag = NL_SOCK_INIT;
	struct rules there;
	int r = nl_sock_open(&s, NETLINK_ROUTE, e);

	*ret = 0;
	if (r == 0)
		r = nl_sock_open(&diag, NETLINK_SOCK_DIAG, e);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(families); i++) {
		int f = families[i];

		r = rtnl_rule_list(&s, f, BRIDGE_RULE_BASE + (uint32_t)id, there.at, RULES_MAX, e);
		there.n = r;
		for (int k = 0; r >= 0 && k < there.n; k++) {
			size_t left = 0;

			if (!is_own_address(&there.at[k], keep))
				continue;
			r = end_sockets_of(&diag, &there.at[k], all, &left, e);
			/* Without the address, IPv4 sends nothing any more. */
			if (f == AF_INET6)
				*ret += (unsigned int)left;
		}
	}
	return r < 0 ? r : 0;
}

/* --- status ---------------------------------------------------------------------------------- */

int bridge_judge(const struct record *r, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT, nft = NL_SOCK_INIT;
	struct nft_count count = {0};
	struct rules there;
	char table[32];
	int rc = nl_sock_open(&s, NETLINK_ROUTE, e);

	if (rc == 0)
		rc = nl_sock_open(&nft, NETLINK_NETFILTER, e);
	str_fmt(table, sizeof(table), "vpnrun-%s", r->name);
	if (rc == 0)
		rc = nft_rules_count(&nft, table, &count, e);
	if (rc < 0)
		return rc;
	if (!count.inet || !count.bridge)
		return err_set(e, -ENOENT, "its firewall is missing");
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		uint32_t flag = families[i] == AF_INET ? RECORD_HAS_IP4 : RECORD_HAS_IP6;
		int want = r->flags & flag ? 2 : 1, lookups = 0, closed = 0;

		rc = rtnl_rule_list(&s, families[i], BRIDGE_RULE_BASE + (uint32_t)r->id, there.at,
				    RULES_MAX, e);
		if (rc < 0)
			return rc;
		/* From the bridge's subnet, and from the tunnel's address. */
		for (int k = 0; k < rc; k++) {
			lookups += there.at[k].src_len && there.at[k].table == r->id;
			closed += there.at[k].src_len && !there.at[k].dst_len &&
				  there.at[k].unreachable;
		}
		if (lookups < want || closed < want)
			return err_set(e, -ENOENT, "a routing rule of it is missing (ip%s rule)",
				       i ? " -6" : "");
	}
	return 0;
}
