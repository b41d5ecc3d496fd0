/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routing rules in front of those of cable_alone, and a firewall of its own, each of which alone
 * keeps the other network to what is named for it. For each of its networks: what its own routes
 * say, or nothing, so that no cluster's address is ever asked for in the VPN either. From its own
 * addresses: its own routes, because an answer has to leave as the question came; what a program
 * sends from there by itself the firewall refuses. Called by the CNI plugin.
 */
#include "plug/cable_beside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "nf/nft_beside.h"
#include "nl/addr.h"
#include "nl/link.h"
#include "nl/rule.h"
#include "plug/cable.h"
#include "plug/cable_alone.h"

#define PREF_NET   97
#define PREF_NOT   98
#define PREF_OWN   99
#define OWN_MAX	   16
#define RULES_MAX  (2 * (BESIDE_NETS_MAX + BESIDE_DNS_MAX) + OWN_MAX)
#define IP6_SUBNET 64

static const uint32_t prefs[] = {PREF_NET, PREF_NOT, PREF_OWN};
static const int families[] = {AF_INET, AF_INET6};

/* The rules of both families; within one they stand in the kernel's order, by priority. */
struct rules {
	struct rtnl_rule at[RULES_MAX];
	size_t n;
};

static void want_to(struct rules *rules, const struct net_prefix *p, uint32_t pref)
{
	struct rtnl_rule *r = &rules->at[rules->n++];

	*r = (struct rtnl_rule){
		.family = p->family,
		.priority = pref,
		.dst_len = p->len,
		.table = pref == PREF_NET ? RT_TABLE_MAIN : 0,
		.unreachable = pref == PREF_NOT,
	};
	memcpy(r->dst, p->addr, sizeof(r->dst));
}

static void want_from(struct rules *rules, const struct net_prefix *p)
{
	struct rtnl_rule *r = &rules->at[rules->n++];

	*r = (struct rtnl_rule){
		.family = p->family,
		.priority = PREF_OWN,
		.src_len = p->len,
		.table = RT_TABLE_MAIN,
	};
	memcpy(r->src, p->addr, sizeof(r->src));
}

/* A name server within one of the networks has its rules already: a second one of the same words is
 * EEXIST. */
static bool is_in_nets(const struct cable_beside *b, const struct net_prefix *p)
{
	for (size_t i = 0; i < b->n_nets; i++)
		if (prefix_has(&b->nets[i], p))
			return true;
	return false;
}

static int want_all(struct nl_sock *s, const struct cable_beside *b, struct rules *ret,
		    struct err *e)
{
	struct net_prefix own[OWN_MAX];
	struct rtnl_addrs addrs = {.at = own, .max = ARRAY_SIZE(own)};
	int ifindex, r = rtnl_link_index(s, b->dev, &ifindex, e);

	r = r ?: rtnl_addr_list(s, ifindex, &addrs, e);
	if (r < 0)
		return r;
	ret->n = 0;
	for (uint32_t pref = PREF_NET; pref <= PREF_NOT; pref++) {
		for (size_t i = 0; i < b->n_nets; i++)
			want_to(ret, &b->nets[i], pref);
		for (size_t i = 0; i < b->n_dns; i++)
			if (!is_in_nets(b, &b->dns[i]))
				want_to(ret, &b->dns[i], pref);
	}
	for (size_t i = 0; i < addrs.n; i++)
		want_from(ret, &own[i]);
	return 0;
}

/* A machine without IPv6 has no rules for it. Who may not ask closes it. */
static bool has_family(int family)
{
	return family == AF_INET || file_is_there("/proc/sys/net/ipv6", NULL) != 0;
}

/* Appends what is there of that family and priority. */
static int list(struct nl_sock *s, int family, uint32_t pref, struct rules *ret, struct err *e)
{
	struct rtnl_rules got = {.at = ret->at + ret->n, .max = (int)(RULES_MAX - ret->n)};
	int r = rtnl_rule_list(s, family, pref, &got, e);

	ret->n += r < 0 ? 0 : (size_t)got.n;
	return r;
}

static int clear(struct nl_sock *s, struct err *e)
{
	struct rules old = {.n = 0};
	int r = 0;

	for (size_t f = 0; f < ARRAY_SIZE(families); f++)
		for (size_t i = 0; i < ARRAY_SIZE(prefs) && has_family(families[f]); i++)
			r = r ?: list(s, families[f], prefs[i], &old, e);
	for (size_t i = 0; r == 0 && i < old.n; i++)
		r = rtnl_rule_delete(s, &old.at[i], e);
	return r;
}

static int guard(struct nl_sock *s, struct nl_sock *nft, const char *cable,
		 const struct cable_beside *b, struct err *e)
{
	struct nft_beside g = {
		.nets = b->nets, .dns = b->dns, .n_nets = b->n_nets, .n_dns = b->n_dns};
	int r = rtnl_link_index(s, cable, &g.cable, e);

	r = r ?: rtnl_link_index(s, b->dev, &g.ifindex, e);
	if (r < 0)
		return r;
	r = nft_out_beside(nft, CABLE_GUARD, &g, e);
	return r < 0 ? err_wrap(e, r, "cannot close the container's network (nftables)") : 0;
}

int cable_beside(struct nl_sock *s, struct nl_sock *nft, const char *cable,
		 const struct cable_beside *b, struct err *e)
{
	struct rules rules;
	int r = guard(s, nft, cable, b, e);

	r = r ?: cable_alone_rules(s, e);
	r = r ?: clear(s, e);
	r = r ?: want_all(s, b, &rules, e);
	for (size_t i = 0; r == 0 && i < rules.n; i++)
		if (has_family(rules.at[i].family))
			r = rtnl_rule_add(s, &rules.at[i], e);
	return r;
}

void cable_beside_undo(struct nl_sock *s, struct nl_sock *nft)
{
	struct err ignored = ERR_INIT;

	clear(s, &ignored);
	cable_alone_undo(s, nft);
}

static bool has_rule(const struct rules *rules, const struct rtnl_rule *r)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rtnl_rule_equal(&rules->at[i], r))
			return true;
	return false;
}

/* None is missing, and none is there that leads more by the other network. */
int cable_beside_is_so(struct nl_sock *s, struct nl_sock *nft, const struct cable_beside *b,
		       struct err *e)
{
	struct rules want, got = {.n = 0};
	size_t n = 0;
	int r = want_all(s, b, &want, e);

	for (size_t f = 0; f < ARRAY_SIZE(families); f++)
		for (size_t i = 0; i < ARRAY_SIZE(prefs) && has_family(families[f]); i++)
			r = r ?: list(s, families[f], prefs[i], &got, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < want.n; i++) {
		if (!has_family(want.at[i].family))
			continue;
		if (!has_rule(&got, &want.at[i]))
			return 0;
		n++;
	}
	return n == got.n ? cable_is_alone(s, nft, e) : 0;
}

/* --- what is the VPN's ----------------------------------------------------------------------- */

static int refuse(const struct net_prefix *net, const struct net_prefix *own,
		  const struct record *r, struct err *e)
{
	char a[RTNL_PREFIX_LEN], b[RTNL_PREFIX_LEN];

	if (!prefix_has(net, own) && !prefix_has(own, net))
		return 0;
	return err_set(e, -EADDRINUSE,
		       "direct: %s and VPN '%s', whose is %s, overlap: name smaller networks",
		       rtnl_prefix_text(net->family, net->addr, net->len, a), r->name,
		       rtnl_prefix_text(own->family, own->addr, own->len, b));
}

int cable_beside_fits(const struct cable_beside *b, const struct record *r, struct err *e)
{
	struct lease_pool pool = record_pool(r);
	struct in6_addr six = lease_ip6(&pool, 0);
	struct net_prefix own[2 + RECORD_DNS_MAX];
	size_t n = 0;

	own[n] = prefix_of_addr(AF_INET, &r->subnet4);
	own[n++].len = r->subnet4_plen;
	own[n] = prefix_of_addr(AF_INET6, &six);
	own[n++].len = IP6_SUBNET;
	for (size_t i = 0; i < RECORD_DNS_MAX && r->dns[i].family; i++)
		own[n++] = prefix_of_addr(r->dns[i].family, r->dns[i].addr);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < b->n_nets; k++)
			if (refuse(&b->nets[k], &own[i], r, e) < 0)
				return -EADDRINUSE;
		for (size_t k = 0; k < b->n_dns; k++)
			if (refuse(&b->dns[k], &own[i], r, e) < 0)
				return -EADDRINUSE;
	}
	return 0;
}
