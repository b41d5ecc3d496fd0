/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as what comes by a netlink socket, to everything that asks: links, addresses, routes,
 * rules, neighbours and namespaces of rtnetlink, nftables, connection tracking, WireGuard by
 * generic netlink, sock_diag, and what listens to changes. Texts that come out have an end; what
 * fails has a sentence.
 */
#include "fuzz/world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "nl/change.h"
#include "nf/ct.h"
#include "nl/diag.h"
#include "nl/genl.h"
#include "nl/gone.h"
#include "nl/list.h"
#include "nf/nft.h"
#include "nf/nft_digest.h"
#include "nl/port.h"
#include "nl/link.h"
#include "nl/addr.h"
#include "nl/route.h"
#include "nl/rule.h"
#include "nl/unixdiag.h"
#include "nl/wg.h"
#include "plug/cable_alone.h"

static const uint8_t addr[16] = {10, 20, 1, 1};

static void is_text(const char *s, size_t size)
{
	must(memchr(s, '\0', size) != NULL);
}

static void is_link(const struct rtnl_link *l)
{
	is_text(l->name, sizeof(l->name));
	is_text(l->kind, sizeof(l->kind));
	is_text(l->alias, sizeof(l->alias));
}

static int links(struct nl_sock *s, struct err *e)
{
	struct rtnl_link l, *all = NULL;
	size_t n = 0;
	int r, i;

	switch (world_choice(4)) {
	case 0:
		r = rtnl_link_get(s, RTNL_HERE, "br-demo", &l, e);
		break;
	case 1:
		r = rtnl_link_get_index(s, 7, &l, e);
		break;
	case 2:
		return rtnl_link_index(s, "br-demo", &i, e);
	default:
		r = rtnl_link_list(s, 3, &all, &n, e);
		for (size_t k = 0; r == 0 && k < n; k++)
			is_link(&all[k]);
		free(all);
		return r;
	}
	if (r == 0)
		is_link(&l);
	return r;
}

static int on_route(int family, const void *dst, uint8_t plen, int oif, void *arg)
{
	volatile uint8_t see = 0;

	(void)oif;
	(void)arg;
	(void)plen;
	for (size_t i = 0; i < rtnl_addr_len(family); i++)
		see ^= ((const uint8_t *)dst)[i];
	return see == 77;
}

static int routes(struct nl_sock *s, struct err *e)
{
	const struct rtnl_routes q = {.family = AF_INET,
				      .table = 1,
				      .oif = (int)world_choice(2),
				      .dst = world_choice(2) ? addr : NULL,
				      .others = world_choice(2)};
	const struct rtnl_route_walk walk = {.fn = on_route};
	const struct rtnl_target to = {.family = AF_INET, .addr = addr};
	struct rtnl_default d = {0};
	struct rtnl_way way;
	size_t n;
	int r;

	switch (world_choice(4)) {
	case 0:
		return rtnl_route_get(s, &to, &way, e);
	case 1:
		r = rtnl_route_count(s, &q, &n, e);
		return r < 0 ? r : rtnl_default_find(s, AF_INET, &d, e);
	case 2:
		return rtnl_addr_is_local(s, AF_INET6, addr, e);
	default:
		return rtnl_route_for_each(s, world_choice(2) ? AF_INET6 : AF_INET, &walk, e);
	}
}

static int lists(struct nl_sock *s, struct err *e)
{
	struct nl_neighs neighs = {.at = NULL};
	void *all = NULL;
	size_t n;
	int r;

	switch (world_choice(3)) {
	case 0:
		r = nl_addr_list(s, (struct nl_addr **)&all, &n, e);
		break;
	case 1:
		r = nl_route_list(s, (struct nl_route **)&all, &n, e);
		break;
	default:
		r = nl_neigh_list(s, AF_INET, 7, &neighs, e);
		all = neighs.at;
		break;
	}
	free(all);
	return r;
}

static int rules(struct nl_sock *s, struct err *e)
{
	struct rtnl_rule r[4];
	struct rtnl_rules all = {.at = r, .max = ARRAY_SIZE(r)};
	uint32_t priority;
	int id;

	switch (world_choice(4)) {
	case 0:
		return rtnl_rule_list(s, AF_INET, 201, &all, e);
	case 1:
		return rtnl_rule_find_other(s, AF_INET, 1, &priority, e);
	case 2:
		return rtnl_nsid_get(s, 0, &id, e);
	default:
		return rtnl_nsid_ensure(s, 0, &id, e);
	}
}

static void on_port(const struct port *p, void *arg)
{
	(void)arg;
	is_text(p->name, sizeof(p->name));
}

static int ports(struct nl_sock *s, struct err *e)
{
	struct port p;
	int r;

	if (world_choice(2))
		return port_each(s, RTNL_HERE, on_port, NULL, e);
	r = port_get(s, 3, "vr1.2", &p, e);
	if (r == 0)
		on_port(&p, NULL);
	else
		*e = (struct err){.code = r, .msg = "the bare cause"};
	return r;
}

static int tables(struct nl_sock *s, struct err *e)
{
	struct nft_chain c;
	uint64_t n;
	int r;

	switch (world_choice(6)) {
	case 0:
		return nft_table_exists(s, "vpnrun", e);
	case 1:
		return nft_counter_get(s, "vpnrun", "dropped", &n, e);
	case 2:
		return nft_table_digest(s, NFPROTO_INET, "vpnrun", &n, e);
	case 3:
		return nft_table_delete(s, NFPROTO_INET, "vpnrun", e);
	case 4:
		return cable_is_alone(s, s, e);
	default:
		r = nft_forward_chain_find(s, AF_INET, "vpnrun", &c, e);
		if (r == 1) {
			is_text(c.family, sizeof(c.family));
			is_text(c.table, sizeof(c.table));
			is_text(c.chain, sizeof(c.chain));
			must(strcspn(c.table, " \n\t\"';{}") == strlen(c.table));
		}
		return r;
	}
}

static bool is_over(const struct ct_flow *f, void *arg)
{
	(void)arg;
	return f->src[0] & 1;
}

static int others(struct nl_sock *s, struct err *e)
{
	const struct ct_judge judge = {.is_over = is_over};
	const struct diag_sockets of = {IPPROTO_TCP, AF_INET, addr};
	struct wg_stats st;
	uint16_t id;
	size_t n;

	switch (world_choice(4)) {
	case 0:
		return ct_delete_if(s, &judge, e);
	case 1:
		return diag_from(s, &of, world_choice(2), &n, e);
	case 2:
		return genl_family_get(s, "wireguard", &id, e);
	default:
		return wg_device_get(s, "demo", &st, e);
	}
}

static int on_socket(const struct unixdiag *u, void *arg)
{
	(void)arg;
	must(u->len && u->len <= UNIXDIAG_NAME_MAX && !u->name[u->len]);
	return 0;
}

static void on_gone(const char *name, void *arg)
{
	(void)arg;
	is_text(name, 16);
}

static int listeners(struct nl_sock *s, struct err *e)
{
	switch (world_choice(4)) {
	case 0:
		return unixdiag_each(s, world_choice(2), on_socket, NULL, e);
	case 1:
		nl_gone_read(s, 7);
		return 0;
	case 2:
		nl_gone_names(s, on_gone, NULL);
		return 0;
	default:
		nl_change_read(s);
		return 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const all[])(struct nl_sock *, struct err *) = {
		links, routes, lists, rules, ports, tables, others, listeners};
	struct nl_sock s = NL_SOCK_INIT;
	struct err e = ERR_INIT;
	int r;

	world_begin(data, size);
	must(nl_sock_open(&s, 0, &e) == 0);
	r = all[world_choice(ARRAY_SIZE(all))](&s, &e);
	if (r < 0)
		must_be_sentence(&e);
	nl_sock_close(&s);
	world_end();
	return 0;
}
