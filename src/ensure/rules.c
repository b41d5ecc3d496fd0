/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The routing rules of one family and priority, as one object. Must never touch a rule that does
 * not carry our protocol number and that priority (see nl/rule.h). Called by ensure/ensure,
 * up/bridge and default/default.
 */
#include "ensure/kinds.h"

#include <string.h>

#include "base/util.h"
#include "nl/rule.h"

#define RULES_MAX 200

/* The kernel deletes the first rule that has what the request names: so those that name more come
 * first. Of the rest, what leads somewhere goes before what closes, and last what lets the
 * tunnels' own packets jump over all of them. */
int rules_delete_order(const struct rtnl_rule *r)
{
	int named = (r->src_len > 0) + (r->dst_len > 0) + (r->mask > 0) + r->no_default;

	if (r->go_to)
		return 10;
	return 2 * (4 - named) + r->unreachable;
}

static int delete_rules(struct nl_sock *s, const struct rtnl_rules *rs, struct err *e)
{
	int r = 0;

	for (int order = 0; order <= 10; order++)
		for (int i = 0; r == 0 && i < rs->n; i++)
			if (rules_delete_order(&rs->at[i]) == order)
				r = rtnl_rule_delete(s, &rs->at[i], e);
	return r;
}

size_t rules_count(const struct want_list *l, size_t first)
{
	const struct rtnl_rule *r = &l->at[first].rule;
	size_t n = first + 1;

	while (n < l->n && l->at[n].kind == WANT_RULE && l->at[n].rule.family == r->family &&
	       l->at[n].rule.priority == r->priority)
		n++;
	return n - first;
}

static bool is_same(const struct want *first, size_t n, const struct rtnl_rules *there)
{
	for (size_t i = 0; n == (size_t)there->n && i < n; i++)
		if (!rtnl_rule_equal(&first[i].rule, &there->at[i]))
			return false;
	return n == (size_t)there->n;
}

int rules_missing(const struct want *first, size_t n, struct net_seen *s,
		  void (*fn)(const struct want *w, const char *why, void *arg), void *arg,
		  struct err *e)
{
	bool all = true;
	struct rtnl_rule room[RULES_MAX];
	struct rtnl_rules there = {.at = room, .max = RULES_MAX};
	int r = rtnl_rule_list(&s->rt, first->rule.family, first->rule.priority, &there, e);

	if (r < 0 || is_same(first, n, &there))
		return r;
	for (size_t i = 0; i < n; i++) {
		bool found = false;

		for (int k = 0; k < there.n && !found; k++)
			found = rtnl_rule_equal(&first[i].rule, &there.at[k]);
		if (!found)
			fn(&first[i], "is missing", arg);
		all = all && found;
	}
	if (all)
		fn(first, "and those of its number are not in their order, or not alone", arg);
	return 0;
}

int rules_make(const struct want *first, size_t n, struct net_seen *s, struct err *e)
{
	struct rtnl_rule room[RULES_MAX];
	struct rtnl_rules there = {.at = room, .max = RULES_MAX};
	int r = rtnl_rule_list(&s->rt, first->rule.family, first->rule.priority, &there, e);

	if (r < 0 || is_same(first, n, &there))
		return r;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = rtnl_rule_add(&s->rt, &first[i].rule, e);
	return r < 0 ? r : delete_rules(&s->rt, &there, e);
}

int rules_remove(const struct rtnl_rule *r, struct nl_sock *s, struct err *e)
{
	struct rtnl_rule room[RULES_MAX];
	struct rtnl_rules there = {.at = room, .max = RULES_MAX};
	int rc = rtnl_rule_list(s, r->family, r->priority, &there, e);

	return rc < 0 ? rc : delete_rules(s, &there, e);
}
