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

static bool is_same(const struct want_list *want, const struct default_rules *there)
{
	for (size_t i = 0; want->n == (size_t)there->n && i < want->n; i++)
		if (!rtnl_rule_equal(&want->at[i].rule, &there->at[i]))
			return false;
	return want->n == (size_t)there->n;
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
			const struct want_marks *marks, int family, struct err *e)
{
	AUTO_WANT_LIST struct want_list want = {0};
	struct default_rules there = {.n = 0};
	int r = ensure_place(s, family, DEFAULT_SKIP_BASE + w->id, e);

	want_default_rules(&want, w, marks, family);
	if (r == 0)
		r = want_list_check(&want, e);
	if (r == 0)
		r = list_rules(s, family, DEFAULT_RULE_BASE + w->id, &there, e);
	if (r < 0 || is_same(&want, &there))
		return r;
	for (size_t i = 0; r == 0 && i < want.n; i++)
		r = rtnl_rule_add(s, &want.at[i].rule, e);
	return r < 0 ? r : delete_rules(s, &there, e);
}

int default_rules_add(const struct default_way *w, const struct want_marks *marks, struct err *e)
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
