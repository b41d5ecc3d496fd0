/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that lead the machine's traffic to the table of the VPN's id. All of one default have
 * one priority, behind the rules of every bridge (200 + id): what is plugged in there must never
 * meet the main table. The tunnels' own packets jump over all of them, whichever VPN's they are, so
 * that two can never lead into each other.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/util.h"
#include "nl/rtnl.h"
#include "default/default_part.h"
#include "conf/model.h"
#include "conf/value.h"

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

static struct rtnl_rule *add(struct default_rules *rs, const struct rtnl_rule *r)
{
	if (rs->n < DEFAULT_RULES_MAX)
		rs->at[rs->n++] = *r;
	return &rs->at[rs->n - 1];
}

static void add_to(struct default_rules *rs, struct rtnl_rule r, const struct prefix *p,
		   uint8_t table, bool no_default)
{
	if (p->family != r.family)
		return;
	memcpy(r.dst, p->addr, rtnl_addr_len(p->family));
	r.dst_len = p->plen;
	r.table = table;
	r.no_default = no_default;
	add(rs, &r);
}

void default_plan_rules(const struct default_way *w, const struct default_marks *marks, int family,
			struct default_rules *ret)
{
	struct rtnl_rule base = {.family = family, .priority = DEFAULT_RULE_BASE + w->id};
	struct rtnl_rule skip = base, r = base;

	memset(ret, 0, sizeof(*ret));
	skip.mark = MARK_NET;
	skip.mask = MARK_MASK;
	skip.go_to = DEFAULT_SKIP_BASE + w->id;
	add(ret, &skip);
	skip.mask = UINT32_MAX;
	for (size_t i = 0; i < marks->n; i++) {
		skip.mark = marks->at[i];
		add(ret, &skip);
	}
	/* Before the LAN: it may have the same private addresses. */
	for (size_t i = 0; i < RECORD_DNS_MAX && w->dns[i].family; i++) {
		struct prefix p = {w->dns[i].family, w->dns[i].family == AF_INET ? 32 : 128, {0}};

		memcpy(p.addr, w->dns[i].addr, sizeof(p.addr));
		add_to(ret, base, &p, w->id, false);
	}
	/* Where Tailscale is not, its table is empty and these go on like everything else. */
	for (size_t i = 0; i < ARRAY_SIZE(tailnets); i++) {
		struct prefix p = {tailnets[i].family, tailnets[i].plen, {0}};

		memcpy(p.addr, &tailnets[i].v6, sizeof(p.addr));
		add_to(ret, base, &p, TAILSCALE_TABLE, false);
	}
	r.table = RT_TABLE_MAIN;
	r.no_default = true;
	if (!w->strict)
		add(ret, &r);
	for (size_t i = 0; w->strict && i < ARRAY_SIZE(private_nets); i++)
		add_to(ret, base, &private_nets[i], RT_TABLE_MAIN, true);
	r.table = w->id;
	r.no_default = false;
	add(ret, &r);
	r.table = 0;
	r.unreachable = true;
	add(ret, &r);
}

/* --- in the kernel --------------------------------------------------------------------------- */

/* To delete, the kernel takes the first that has what the request names: so those that name more
 * come first, and while any is left that leads into the VPN, one that closes is left too. */
static int delete_order(const struct rtnl_rule *r)
{
	if (r->dst_len)
		return 0;
	if (r->unreachable)
		return 1;
	if (r->go_to)
		return 3;
	return 2;
}

static int delete_rules(struct nl_sock *s, const struct default_rules *rs, struct err *e)
{
	int r = 0;

	for (int pass = 0; pass < 4; pass++)
		for (int i = 0; r == 0 && i < rs->n; i++)
			if (delete_order(&rs->at[i]) == pass)
				r = rtnl_rule_delete(s, &rs->at[i], e);
	return r;
}

static int list_rules(struct nl_sock *s, int family, uint32_t priority, struct default_rules *ret,
		      struct err *e)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	r = rtnl_rule_list(s, family, priority, ret->at, DEFAULT_RULES_MAX, e);
	ret->n = r < 0 ? 0 : r;
	return r < 0 ? r : 0;
}

static bool is_same(const struct default_rules *a, const struct default_rules *b)
{
	return a->n == b->n && memcmp(a->at, b->at, sizeof(a->at[0]) * (size_t)a->n) == 0;
}

static int ensure_place(struct nl_sock *s, int family, uint32_t priority, struct err *e)
{
	const struct rtnl_rule nop = {.family = family, .priority = priority, .nop = true};
	struct default_rules there;
	int r = list_rules(s, family, priority, &there, e);

	return r < 0 || there.n ? r : rtnl_rule_add(s, &nop, e);
}

/* The new ones behind the old, then the old away: at no moment is there none. */
static int ensure_rules(struct nl_sock *s, const struct default_way *w,
			const struct default_marks *marks, int family, struct err *e)
{
	struct default_rules want, there = {.n = 0};
	int r = ensure_place(s, family, DEFAULT_SKIP_BASE + w->id, e);

	default_plan_rules(w, marks, family, &want);
	if (r == 0)
		r = list_rules(s, family, DEFAULT_RULE_BASE + w->id, &there, e);
	if (r < 0 || is_same(&want, &there))
		return r;
	for (int i = 0; r == 0 && i < want.n; i++)
		r = rtnl_rule_add(s, &want.at[i], e);
	return r < 0 ? r : delete_rules(s, &there, e);
}

int default_rules_add(const struct default_way *w, const struct default_marks *marks, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	int r = nl_sock_open(&s, NETLINK_ROUTE, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++)
		r = ensure_rules(&s, w, marks, families[i], e);
	return r;
}

int default_rules_remove(const struct default_way *w, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct default_rules there;
	int r = nl_sock_open(&s, NETLINK_ROUTE, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++) {
		r = list_rules(&s, families[i], DEFAULT_RULE_BASE + w->id, &there, e);
		if (r == 0)
			r = delete_rules(&s, &there, e);
		if (r == 0)
			r = list_rules(&s, families[i], DEFAULT_SKIP_BASE + w->id, &there, e);
		if (r == 0)
			r = delete_rules(&s, &there, e);
	}
	return r;
}

int default_rules_judge(const struct default_way *w, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct default_rules there;
	int r = nl_sock_open(&s, NETLINK_ROUTE, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++) {
		bool leads = false, closes = false;

		r = list_rules(&s, families[i], DEFAULT_RULE_BASE + w->id, &there, e);
		for (int k = 0; r == 0 && k < there.n; k++) {
			leads = leads || (!there.at[k].dst_len && there.at[k].table == w->id);
			closes = closes || there.at[k].unreachable;
		}
		if (r == 0 && (!leads || !closes))
			return err_set(e, -ENOENT,
				       "a routing rule of the default is missing (ip%s rule)",
				       i ? " -6" : "");
	}
	return r;
}
