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
#include "nl/addr.h"
#include "nl/rule.h"
#include "conf/plan.h"
#include "want/want.h"

#define RULES_MAX 80

static const int families[] = {AF_INET, AF_INET6};

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
	const struct diag_sockets of_tcp = {IPPROTO_TCP, rule->family, rule->src};
	const struct diag_sockets of_udp = {IPPROTO_UDP, rule->family, rule->src};
	size_t tcp = 0, udp = 0;
	int r = diag_from(diag, &of_tcp, true, &tcp, e);

	r = r ?: diag_from(diag, &of_tcp, false, &tcp, e);
	r = r ?: diag_from(diag, &of_udp, all, &udp, e);
	*ret = tcp + udp;
	return r;
}

int bridge_table_end_sockets(int id, const struct profile *keep, bool all, unsigned int *ret,
			     struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT, diag = NL_SOCK_INIT;
	struct rtnl_rule room[RULES_MAX];
	struct rtnl_rules there = {.at = room, .max = RULES_MAX};
	int r = nl_sock_open(&s, NETLINK_ROUTE, e);

	*ret = 0;
	r = r ?: nl_sock_open(&diag, NETLINK_SOCK_DIAG, e);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(families); i++) {
		int f = families[i];

		r = rtnl_rule_list(&s, f, BRIDGE_RULE_BASE + (uint32_t)id, &there, e);
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
