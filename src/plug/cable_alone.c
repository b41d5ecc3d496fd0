/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the cable the only way out of a namespace that lives longer than whoever plugged it looks.
 * A container's engine may put a network into it at any later time, with a default route of its
 * own: what is in the main table is never asked. Routes alone are not enough, because a socket that
 * is bound to a device takes everything for reachable there when no route is found: what would
 * leave by another device than the cable is dropped, too. Called by the container hooks.
 */
#include "plug/cable_alone.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "nf/nft.h"
#include "nl/rule.h"

/* The rules stand behind the kernel's own rule 0, which finds the namespace's own addresses. */
#define PREF_CABLE 100
#define PREF_END   101

#define GUARD	   CABLE_GUARD

static const int families[] = {AF_INET, AF_INET6};

static struct rtnl_rule rule_of(int family, uint32_t priority)
{
	return (struct rtnl_rule){
		.family = family,
		.priority = priority,
		.table = priority == PREF_CABLE ? CABLE_TABLE : 0,
		.unreachable = priority == PREF_END,
	};
}

/* A machine without IPv6 has no rules for it, and nothing to close. Who may not ask closes it. */
static bool has_family(int family)
{
	return family == AF_INET || file_is_there("/proc/sys/net/ipv6", NULL) != 0;
}

static int add(struct nl_sock *s, int family, uint32_t priority, struct err *e)
{
	const struct rtnl_rule rule = rule_of(family, priority);
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	rtnl_put_rule(&m, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, &rule);
	r = nl_call(s, &m, e);
	if (r == 0 || r == -EEXIST)
		return 0;
	return err_wrap(e, r, "cannot close the container's network (routing rule %u)", priority);
}

int cable_alone_rules(struct nl_sock *s, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++) {
		if (!has_family(families[i]))
			continue;
		r = add(s, families[i], PREF_CABLE, e);
		if (r == 0)
			r = add(s, families[i], PREF_END, e);
	}
	return r;
}

int cable_alone(struct nl_sock *s, struct nl_sock *nft, const char *dev, struct err *e)
{
	int out[] = {LO_IFINDEX, 0}, r = rtnl_link_index(s, dev, &out[1], e);

	if (r < 0)
		return r;
	r = nft_out_only_by(nft, GUARD, out, ARRAY_SIZE(out), e);
	if (r < 0)
		return err_wrap(e, r, "cannot close the container's network (nftables)");
	return cable_alone_rules(s, e);
}

void cable_alone_undo(struct nl_sock *s, struct nl_sock *nft)
{
	struct err ignored = ERR_INIT;

	nft_table_delete(nft, NFPROTO_INET, GUARD, &ignored);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct rtnl_rule end = rule_of(families[i], PREF_END);
		struct rtnl_rule cable = rule_of(families[i], PREF_CABLE);

		if (!has_family(families[i]))
			continue;
		rtnl_rule_delete(s, &end, &ignored);
		rtnl_rule_delete(s, &cable, &ignored);
	}
}

int cable_is_alone(struct nl_sock *s, struct nl_sock *nft, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct rtnl_rule cable = {0}, end = {0};
		struct rtnl_rules cables = {.at = &cable, .max = 1}, ends = {.at = &end, .max = 1};
		int r;

		if (!has_family(families[i]))
			continue;
		r = rtnl_rule_list(s, families[i], PREF_CABLE, &cables, e);
		if (r < 0 || cable.table != CABLE_TABLE)
			return r;
		r = rtnl_rule_list(s, families[i], PREF_END, &ends, e);
		if (r < 0 || !end.unreachable)
			return r;
	}
	return nft_table_exists(nft, GUARD, e);
}

bool cable_is_other(const struct rtnl_link *l, const char *dev)
{
	return l->ifindex != LO_IFINDEX && (l->flags & IFF_UP) && strcmp(l->name, dev) != 0;
}
