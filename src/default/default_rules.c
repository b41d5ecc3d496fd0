/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that lead the machine's traffic to the table of the VPN's id: want/default says which.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "base/util.h"
#include "default/default_part.h"
#include "nl/rule.h"
#include "ensure/ensure.h"

#define RULES_MAX 200

int default_rules_add(const struct default_way *w, const struct want_marks *marks, struct err *e)
{
	AUTO_WANT_LIST struct want_list l = {0};

	want_default_rules(&l, w, marks);
	return ensure_make(&l, -1, NULL, e);
}

/* All of a number go, whatever they say; the place that they jump to goes last. */
int default_rules_remove(const struct default_way *w, struct err *e)
{
	static const uint32_t bases[] = {DEFAULT_SKIP_BASE, DEFAULT_RULE_BASE};
	AUTO_WANT_LIST struct want_list l = {0};

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		struct rtnl_rule any = {.family = AF_INET, .priority = bases[i] + w->id};

		want_add_rule(&l, &any);
		any.family = AF_INET6;
		want_add_rule(&l, &any);
	}
	return ensure_remove(&l, -1, e);
}

bool default_rules_stand(const struct default_way *w)
{
	static const int families[] = {AF_INET, AF_INET6};
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct rtnl_rule room[RULES_MAX];
	struct rtnl_rules there = {.at = room, .max = RULES_MAX};
	bool stands = nl_sock_open(&s, NETLINK_ROUTE, NULL) == 0;

	for (size_t i = 0; stands && i < ARRAY_SIZE(families); i++) {
		bool leads = false, closes = false;

		if (rtnl_rule_list(&s, families[i], DEFAULT_RULE_BASE + w->id, &there, NULL) < 0)
			return false;
		for (int k = 0; k < there.n; k++) {
			leads = leads || (!room[k].dst_len && room[k].table == w->id);
			closes = closes || room[k].unreachable;
		}
		stands = leads && closes;
	}
	return stands;
}
