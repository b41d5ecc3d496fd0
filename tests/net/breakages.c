/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every way to take an object of a VPN away or to alter it, from the list that `up` has left: so
 * that what is new in a list is in the tests from that day.
 *
 *	breakages NAME		a line each: what it is called, a tab, a command that breaks it;
 *				tables of the firewall as "nft", a tab, FAMILY TABLE
 *
 * NAME is a VPN's, or "default" for the machine's.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "ensure/made.h"

static const char *prefix(int family, const uint8_t *addr, uint8_t plen, char buf[64])
{
	char text[INET6_ADDRSTRLEN];

	if (!plen)
		return "default";
	snprintf(buf, 64, "%s/%u", inet_ntop(family, addr, text, sizeof(text)), plen);
	return buf;
}

static char six(int family)
{
	return family == AF_INET6 ? '6' : '4';
}

static void link_breakages(const char *name, const struct want_link *k)
{
	printf("%s\tip link set %s down\n", name, k->name);
	if (strcmp(k->name, "lo") != 0)
		printf("%s\tip link delete %s\n", name, k->name);
	if (k->mtu)
		printf("%s\tip link set %s mtu %u\n", name, k->name, k->mtu - 100);
	if (k->has_mac)
		printf("%s\tip link set %s address 02:00:00:00:00:66\n", name, k->name);
	if (strcmp(k->kind, "bridge") != 0)
		return;
	printf("%s\tip link set %s type bridge mcast_snooping 1\n", name, k->name);
	printf("%s\tip link set %s type bridge no_linklocal_learn 0\n", name, k->name);
}

static void neigh_breakages(const char *name, const struct want_neigh *n)
{
	struct in_addr a4 = lease_ip4(&n->pool, 7);
	struct in6_addr a6 = lease_ip6(&n->pool, 7);
	char text[INET6_ADDRSTRLEN];

	inet_ntop(n->family, n->family == AF_INET ? (const void *)&a4 : (const void *)&a6, text,
		  sizeof(text));
	printf("%s\tip neigh delete %s dev %s\n", name, text, n->dev);
	printf("%s\tip neigh replace %s dev %s lladdr 02:00:00:00:00:66 nud permanent\n", name,
	       text, n->dev);
	printf("%s\tip neigh replace %s dev %s lladdr 02:76:70:%02x:00:07 nud stale\n", name, text,
	       n->dev, (unsigned int)n->pool.id);
}

static void route_breakages(const char *name, const struct want_route *r)
{
	char dst[64], where[48] = "unreachable", metric[24] = "";
	const char *to = prefix(r->family, r->dst, r->plen, dst);

	if (r->metric)
		snprintf(metric, sizeof(metric), " metric %u", r->metric);
	if (r->dev[0])
		snprintf(where, sizeof(where), "dev %s", r->dev);
	printf("%s\tip -%c route delete %s%s %s table %u%s\n", name, six(r->family),
	       r->dev[0] ? "" : "unreachable ", to, r->dev[0] ? where : "", r->table, metric);
}

static void rule_breakages(const char *name, const struct rtnl_rule *r)
{
	char src[64], dst[64], mark[48] = "", what[48];

	if (!r->unreachable && !r->go_to && !r->nop && !r->src_len && !r->dst_len && !r->mask &&
	    !r->no_default) {
		/* The kernel deletes the first that has what is named: so all that lead there. */
		printf("%s\twhile ip -%c rule delete pref %u lookup %u 2>/dev/null; do :; done\n",
		       name, six(r->family), r->priority, r->table);
		return;
	}
	if (r->mask)
		snprintf(mark, sizeof(mark), " fwmark 0x%x/0x%x", r->mark, r->mask);
	if (r->unreachable)
		snprintf(what, sizeof(what), "unreachable");
	else if (r->go_to)
		snprintf(what, sizeof(what), "goto %u", r->go_to);
	else if (r->nop)
		snprintf(what, sizeof(what), "nop");
	else
		snprintf(what, sizeof(what), "lookup %u%s", r->table,
			 r->no_default ? " suppress_prefixlength 0" : "");
	printf("%s\tip -%c rule delete pref %u from %s to %s%s %s\n", name, six(r->family),
	       r->priority, r->src_len ? prefix(r->family, r->src, r->src_len, src) : "all",
	       r->dst_len ? prefix(r->family, r->dst, r->dst_len, dst) : "all", mark, what);
}

static void sysctl_breakages(const char *name, const struct want_sysctl *s)
{
	unsigned long now = strtoul(s->value, NULL, 10);

	printf("%s\techo %lu >/proc/sys/net/%s\n", name, now ? now - 1 : 1, s->key);
}

static const char *nft_family(uint8_t family)
{
	return family == NFPROTO_INET	  ? "inet"
	       : family == NFPROTO_BRIDGE ? "bridge"
	       : family == NFPROTO_ARP	  ? "arp"
					  : "netdev";
}

static void breakages(const struct want *w)
{
	char name[WANT_TEXT_LEN], addr[64];

	want_describe(w, name);
	switch ((enum want_kind)w->kind) {
	case WANT_LINK:
		link_breakages(name, &w->link);
		break;
	case WANT_ADDR:
		printf("%s\tip addr delete %s dev %s\n", name,
		       prefix(w->addr.family, w->addr.addr, w->addr.plen, addr), w->addr.dev);
		/* What is there with another prefix is not what is wanted, nor may it stay. */
		printf("%s\tip addr delete %s dev %s", name, addr, w->addr.dev);
		printf(" && ip addr add %s dev %s%s\n",
		       prefix(w->addr.family, w->addr.addr, w->addr.plen - 8, addr), w->addr.dev,
		       w->addr.family == AF_INET6 ? " nodad" : "");
		break;
	case WANT_NEIGH:
		neigh_breakages(name, &w->neigh);
		break;
	case WANT_ROUTE:
		route_breakages(name, &w->route);
		break;
	case WANT_RULE:
		rule_breakages(name, &w->rule);
		break;
	case WANT_SYSCTL:
		sysctl_breakages(name, &w->sysctl);
		break;
	case WANT_NFT:
		printf("nft\t%s %s\n", nft_family(w->nft.family), w->nft.table);
		break;
	case WANT_FILE:
		printf("%s\trm %s\n%s\t: >%s\n", name, w->file.path, name, w->file.path);
		break;
	case WANT_NETNS:
		printf("%s\tip netns delete %s\n", name, w->netns.name);
		break;
	case WANT_ACT: /* what it leaves is in the list, too */
		break;
	}
}

int main(int argc, char **argv)
{
	struct want_list l = {0};
	struct err e = ERR_INIT;

	if (argc != 2 || made_read(argv[1], &l, &e) < 0) {
		fprintf(stderr, "breakages: %s\n", argc == 2 ? e.msg : "usage: breakages NAME");
		return 1;
	}
	for (size_t i = 0; i < l.n; i++)
		breakages(&l.at[i]);
	want_list_free(&l);
	return 0;
}
