/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints what model.pl explores: the lists of want/ and the text of the firewalls, as vpnctl has
 * them, of three VPNs. "a" and "b" are of the layout "bridge", "a" with both families; "n" is of
 * the layout "netns" and is here only as the machine's default, as "a" is. A line an object, with
 * tabs; a text between "text NAME" and "end".
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/plan.h"
#include "conf/value.h"
#include "default/default_part.h"
#include "ensure/kinds.h"
#include "wall/firewall.h"
#include "want/record.h"
#include "want/want.h"
#include "unit/addr.h"

struct vpn {
	struct ipaddr addresses[2], allowed[2], dns;
	struct tunnel_peer peer;
	char bridge[16];
	struct profile p;
};

static void make(struct vpn *v, const char *name, int id, enum vpn_layout layout, bool ip6)
{
	char buf[INET6_ADDRSTRLEN];

	memset(v, 0, sizeof(*v));
	snprintf(buf, sizeof(buf), "10.64.%d.2", id);
	v->addresses[0] = addr(buf, 32);
	snprintf(buf, sizeof(buf), "fd64:%d::2", id);
	v->addresses[1] = addr(buf, 128);
	snprintf(buf, sizeof(buf), "10.64.%d.1", id);
	v->dns = addr(buf, 32);
	v->allowed[0] = addr("0.0.0.0", 0);
	v->allowed[1] = addr("::", 0);
	v->peer.allowed = v->allowed;
	v->peer.n_allowed = ip6 ? 2 : 1;
	v->p.id = id;
	v->p.layout = layout;
	snprintf(v->bridge, sizeof(v->bridge), "br-%s", name);
	v->p.bridge = v->bridge;
	v->p.subnet4.s_addr = htonl(0x0a140000u | (uint32_t)id << 8);
	v->p.subnet4_plen = 24;
	v->p.tunnel.fwmark = (uint32_t)(MARK_BASE + id);
	str_copy(v->p.name, sizeof(v->p.name), name);
	v->p.tunnel.addresses = v->addresses;
	v->p.tunnel.n_addresses = ip6 ? 2 : 1;
	v->p.tunnel.peers = &v->peer;
	v->p.tunnel.n_peers = 1;
	v->p.tunnel.dns = &v->dns;
	v->p.tunnel.n_dns = 1;
}

/* --- objects --------------------------------------------------------------------------------- */

static void put_prefix(const char *key, int family, const uint8_t *a, unsigned int plen)
{
	char buf[INET6_ADDRSTRLEN];

	printf("\t%s=%s/%u", key, inet_ntop(family, a, buf, sizeof(buf)), plen);
}

static void put_rule(const struct rtnl_rule *r)
{
	printf("\tfamily=%d\tpriority=%u\torder=%d", r->family == AF_INET ? 4 : 6, r->priority,
	       rules_delete_order(r));
	if (r->src_len)
		put_prefix("src", r->family, r->src, r->src_len);
	if (r->dst_len)
		put_prefix("dst", r->family, r->dst, r->dst_len);
	if (r->mask)
		printf("\tmark=%u\tmask=%u", r->mark, r->mask);
	if (r->unreachable)
		printf("\tunreachable=1");
	else if (r->go_to)
		printf("\tgoto=%u", r->go_to);
	else if (r->nop)
		printf("\tnop=1");
	else
		printf("\ttable=%u", r->table);
	if (r->no_default)
		printf("\tno_default=1");
}

static void put_route(const struct want_route *r)
{
	printf("\tfamily=%d\ttable=%u\tmetric=%u", r->family == AF_INET ? 4 : 6, r->table,
	       r->metric);
	put_prefix("dst", r->family, r->dst, r->plen);
	if (r->dev[0])
		printf("\tdev=%s", r->dev);
}

static void put_object(const struct want *w)
{
	switch ((enum want_kind)w->kind) {
	case WANT_LINK:
		printf("\tname=%s\ttype=%s\tup=%d", w->link.name, w->link.kind, w->link.up);
		return;
	case WANT_ADDR:
		printf("\tdev=%s\tfamily=%d", w->addr.dev, w->addr.family == AF_INET ? 4 : 6);
		put_prefix("addr", w->addr.family, w->addr.addr, w->addr.plen);
		return;
	case WANT_ROUTE:
		put_route(&w->route);
		return;
	case WANT_RULE:
		put_rule(&w->rule);
		return;
	case WANT_NFT:
		printf("\tfamily=%s\ttable=%s",
		       w->nft.family == NFPROTO_INET	 ? "inet"
		       : w->nft.family == NFPROTO_BRIDGE ? "bridge"
							 : "other",
		       w->nft.table);
		return;
	case WANT_ACT:
		printf("\twhat=%s", w->act.what == ACT_NAMES   ? "names"
				    : w->act.what == ACT_FLOWS ? "flows"
							       : "connections");
		return;
	case WANT_NEIGH:
	case WANT_SYSCTL:
	case WANT_FILE:
	case WANT_NETNS:
	default:
		return;
	}
}

static void put_list(const char *vpn, const char *part, struct want_list *l)
{
	if (l->failed)
		exit(1);
	for (size_t i = 0; i < l->n; i++) {
		const struct want *w = &l->at[i];

		if (w->kind == WANT_SYSCTL || w->kind == WANT_FILE || w->kind == WANT_NEIGH)
			continue;
		printf("want\t%s\t%s\t%s", vpn, part, want_kind_name(w->kind));
		put_object(w);
		putchar('\n');
	}
	want_list_free(l);
}

static void put_text(const char *name, char *text)
{
	printf("text\t%s\n%s\nend\n", name, text);
	free(text);
}

/* --- the VPNs -------------------------------------------------------------------------------- */

static void put_bridge(const struct profile *p)
{
	struct want_list l = {0};
	struct record rec;
	char *text;

	want_bridge_firewall(&l, p);
	put_list(p->name, "firewall", &l);
	want_bridge_device(&l, p, 1420);
	put_list(p->name, "device", &l);
	want_bridge_table(&l, p);
	put_list(p->name, "table", &l);
	want_bridge_rules(&l, p);
	put_list(p->name, "rules", &l);
	want_tunnel(&l, p);
	put_list(p->name, "tunnel", &l);
	if (plan_record(p, 1420, &rec, NULL) < 0)
		exit(1);
	want_bridge_rest(&l, &rec);
	put_list(p->name, "rest", &l);
	if (firewall_text(p, &text, NULL) < 0)
		exit(1);
	put_text(p->name, text);
}

/* known: the devices of the other VPNs, as default_firewall_add() lists them. */
static void put_default(const struct vpn *v, bool strict, const char *known)
{
	struct default_way w = {.id = (uint8_t)v->p.id,
				.strict = strict,
				.layout = v->p.layout,
				.host = 2,
				.has_ip4 = 1,
				.has_ip6 = v->p.tunnel.n_addresses > 1};
	struct want_host h = {.pool = plan_pool(&v->p)};
	struct default_note n = {.valid_mark = -1};
	struct want_list l = {0};
	char name[32], *text;

	str_copy(w.name, sizeof(w.name), v->p.name);
	if (v->p.layout == LAYOUT_BRIDGE) {
		str_copy(w.dev, sizeof(w.dev), v->p.name);
		w.addr4 = v->addresses[0].v4;
		w.addr6 = v->addresses[1].v6;
	} else {
		snprintf(w.dev, sizeof(w.dev), "vh-%s", v->p.name);
		w.addr4 = lease_ip4(&h.pool, w.host);
		w.addr6 = lease_ip6(&h.pool, w.host);
	}
	w.dns[0].family = AF_INET;
	memcpy(w.dns[0].addr, &v->dns.v4, 4);
	snprintf(name, sizeof(name), "%s%s", v->p.name, strict ? "!" : "");
	want_default(&l, &n, &w, &h);
	want_add_act(&l, ACT_NAMES, w.name);
	put_list(name, "default", &l);
	if (default_firewall_text(&w, &h.marks, known, &text, NULL) < 0)
		exit(1);
	snprintf(name, sizeof(name), "default-%s%s", v->p.name, strict ? "!" : "");
	put_text(name, text);
}

int main(void)
{
	struct vpn a, b, n;

	make(&a, "a", 1, LAYOUT_BRIDGE, true);
	make(&b, "b", 2, LAYOUT_BRIDGE, false);
	make(&n, "n", 3, LAYOUT_NETNS, true);
	put_bridge(&a.p);
	put_bridge(&b.p);
	for (int strict = 0; strict < 2; strict++) {
		put_default(&a, strict, ", \"br-a\", \"b\", \"br-b\", \"vh-n\"");
		put_default(&n, strict, ", \"a\", \"br-a\", \"b\", \"br-b\"");
	}
	return 0;
}
