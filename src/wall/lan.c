/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the definitions that policy/netns-lan.nft and policy/lan.nft name, and the rules that go
 * by address. Nothing but addresses, numbers and names that were parsed gets into the text. Called
 * by wall/firewall and lan/lan.
 */
#include "wall/lan.h"

#include <arpa/inet.h>

#include "base/util.h"
#include "conf/plan.h"
#include "conf/value.h"
#include "want/lan.h"

static const char policy_inside[] =
#include "netns-lan.nft.h"
	;

static const int families[] = {AF_INET, AF_INET6};

static const char *ip_of(int family)
{
	return family == AF_INET ? "ip" : "ip6";
}

static const char *text_of(const struct ipaddr *a, char buf[INET6_ADDRSTRLEN])
{
	return inet_ntop(a->family, &a->v4, buf, INET6_ADDRSTRLEN);
}

static const char *inner_of(const struct lan_cable *c, int family, char buf[INET6_ADDRSTRLEN])
{
	return inet_ntop(family,
			 family == AF_INET ? (const void *)&c->inner4 : (const void *)&c->inner6,
			 buf, INET6_ADDRSTRLEN);
}

static void put_inside_family(FILE *f, const struct profile *p, const struct lan_cable *c,
			      int family)
{
	const char *ip = ip_of(family), *pool = family == AF_INET ? "$subnet4" : "$subnet6";
	char buf[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < p->tunnel.n_dns; i++)
		if (p->tunnel.dns[i].family == family)
			fprintf(f,
				"add rule inet vpnrun asked meta mark & 0x08000000 != 0 %s daddr "
				"%s meta mark set 0\n",
				ip, text_of(&p->tunnel.dns[i], buf));
	for (size_t i = 0; i < p->n_allow_lan; i++)
		if (p->allow_lan[i].family == family)
			fprintf(f, "add rule inet vpnrun lan %s saddr %s %s daddr %s/%u accept\n",
				ip, pool, ip, text_of(&p->allow_lan[i], buf), p->allow_lan[i].plen);
	fprintf(f, "add rule inet vpnrun nat oifname $lan %s saddr %s snat %s to %s\n", ip, pool,
		ip, inner_of(c, family, buf));
}

void lan_put_inside(FILE *f, const struct profile *p)
{
	struct lan_cable c;

	if (!lan_is_wanted(p))
		return;
	lan_cable_of(p->name, p->id, &c);
	fprintf(f, "define lan = \"%s\"\n%s", c.dev, policy_inside);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (lan_has(p, families[i]))
			put_inside_family(f, p, &c, families[i]);
}
