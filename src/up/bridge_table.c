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
#include "nl/rtnl.h"
#include "nl/rule.h"
#include "up/plan.h"
#include "want/want.h"

#define RULES_MAX	   80
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

static int delete_rules(struct nl_sock *s, int id, int family, struct err *e)
{
	struct rules there;
	int r = rtnl_rule_list(s, family, BRIDGE_RULE_BASE + (uint32_t)id, there.at, RULES_MAX, e);

	there.n = r;
	for (int i = 0; r >= 0 && i < there.n; i++)
		r = rtnl_rule_delete(s, &there.at[i], e);
	return r < 0 ? r : 0;
}

static bool is_same(const struct want_list *want, const struct rules *there)
{
	for (size_t i = 0; want->n == (size_t)there->n && i < want->n; i++)
		if (!rtnl_rule_equal(&want->at[i].rule, &there->at[i]))
			return false;
	return want->n == (size_t)there->n;
}

/* All there in their order: nothing to do. Else all anew; the firewall holds meanwhile. */
static int ensure_rules(struct nl_sock *s, const struct profile *p, int family, struct err *e)
{
	AUTO_WANT_LIST struct want_list want = {0};
	struct rules there;
	int r;

	want_bridge_rules(&want, p, family);
	r = want_list_check(&want, e);
	if (r == 0)
		r = rtnl_rule_list(s, family, BRIDGE_RULE_BASE + (uint32_t)p->id, there.at,
				   RULES_MAX, e);
	there.n = r;
	if (r >= 0 && is_same(&want, &there))
		return 0;
	if (r >= 0)
		r = delete_rules(s, p->id, family, e);
	for (size_t i = 0; r == 0 && i < want.n; i++)
		r = rtnl_rule_add(s, &want.at[i].rule, e);
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
