/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is open from the VPN's side, as text for the firewall's sets. Always made anew from what is
 * written on the cables themselves, from the record, and from what the provider forwards.
 */
#include "wall/open_ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ns/netns.h"
#include "state/forwarded.h"
#include "state/inbound.h"
#include "state/zone.h"

int open_ports_cables(const struct record *r, int ns_fd, struct inbound_cables *ret, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct lease_pool pool = record_pool(r);
	struct rtnl_link *links = NULL;
	size_t n = 0, kept = 0;
	int rc = ns_nl_open(&s, ns_fd, NETLINK_ROUTE, e);

	if (rc == 0)
		rc = rtnl_link_list(&s, RTNL_HERE, &links, &n, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		if (lease_from_port(&pool, links[i].name))
			links[kept++] = links[i];
	*ret = (struct inbound_cables){.at = links, .n = kept};
	return 0;
}

const char *open_ports_proto(uint8_t proto)
{
	return proto == IPPROTO_UDP ? "udp" : "tcp";
}

struct writer {
	FILE *f;
	const struct record *r;
	const struct inbound_cables *cables;
	char table[32];
	uint16_t forwarded[2]; /* by the provider: TCP, UDP; 0: none */
	bool forward_taken;
};

static bool is_mapped(const struct writer *w, uint8_t proto, uint16_t outer)
{
	for (size_t i = 0; i < w->cables->n; i++) {
		struct port_maps m;

		inbound_unformat(w->cables->at[i].alias, &m);
		for (size_t k = 0; k < m.n; k++)
			if (m.at[k].proto == proto && m.at[k].outer == outer)
				return true;
	}
	return false;
}

static void put_map(const struct writer *w, const char *addr4, const char *addr6, uint8_t proto,
		    uint16_t outer, uint16_t inner)
{
	const char *word = open_ports_proto(proto);
	uint16_t to = inner ? inner : outer;

	if (addr4)
		fprintf(w->f, "add element inet %s in4 { %s . %u : %s . %u }\n", w->table, word,
			outer, addr4, to);
	if (addr6)
		fprintf(w->f, "add element inet %s in6 { %s . %u : %s . %u }\n", w->table, word,
			outer, addr6, to);
}

static void put_cable(struct writer *w, const struct rtnl_link *link)
{
	struct lease_pool pool = record_pool(w->r);
	uint32_t h = lease_from_port(&pool, link->name);
	struct in_addr a4 = lease_ip4(&pool, h);
	struct in6_addr a6 = lease_ip6(&pool, h);
	char text4[INET_ADDRSTRLEN], text6[INET6_ADDRSTRLEN];
	const char *p4 = NULL, *p6 = NULL;
	struct port_maps m;

	if (w->r->layout == LAYOUT_NETNS && !strcmp(link->alias, OPEN_PORTS_MACHINE))
		fprintf(w->f, "add element inet %s machine { %u }\n", w->table,
			zone_of_port(link->ifindex));
	inbound_unformat(link->alias, &m);
	if (!m.n)
		return;
	if (w->r->flags & RECORD_HAS_IP4)
		p4 = inet_ntop(AF_INET, &a4, text4, sizeof(text4));
	if (w->r->flags & RECORD_HAS_IP6)
		p6 = inet_ntop(AF_INET6, &a6, text6, sizeof(text6));
	if (p4)
		fprintf(w->f, "add element bridge %s inside4 { %d . %s }\n", w->table,
			link->ifindex, p4);
	if (p6)
		fprintf(w->f, "add element bridge %s inside6 { %d . %s }\n", w->table,
			link->ifindex, p6);
	for (size_t i = 0; i < m.n; i++) {
		if (m.at[i].proto) {
			put_map(w, p4, p6, m.at[i].proto, m.at[i].outer, m.at[i].inner);
			continue;
		}
		w->forward_taken = true;
		/* NAT-PMP is about IPv4. */
		for (int k = 0; k < 2; k++) {
			uint8_t proto = k ? IPPROTO_UDP : IPPROTO_TCP;

			if (w->forwarded[k] && !is_mapped(w, proto, w->forwarded[k]))
				put_map(w, p4, NULL, proto, w->forwarded[k], m.at[i].inner);
		}
	}
}

static void put_services(const struct writer *w)
{
	for (int i = 0; i < RECORD_EXPOSE_MAX && w->r->expose[i].port; i++)
		fprintf(w->f, "add element inet %s open { %s . %u }\n", w->table,
			w->r->expose[i].udp ? "udp" : "tcp", w->r->expose[i].port);
	for (int k = 0; k < 2 && !w->forward_taken; k++)
		if (w->forwarded[k])
			fprintf(w->f, "add element inet %s open { %s . %u }\n", w->table,
				k ? "udp" : "tcp", w->forwarded[k]);
}

int open_ports_text(const struct record *r, int vpn_netns_fd, char **ret, struct err *e)
{
	static const char *const sets[] = {"set inet %s open\n",      "map inet %s in4\n",
					   "map inet %s in6\n",	      "set bridge %s inside4\n",
					   "set bridge %s inside6\n", "set inet %s machine\n"};
	/* Of a bridge, the default is the tunnel itself. */
	size_t n_sets = ARRAY_SIZE(sets) - (r->layout != LAYOUT_NETNS);
	struct inbound_cables cables = {0};
	struct writer w = {.r = r, .cables = &cables};
	char *text = NULL;
	size_t len = 0;
	int rc = open_ports_cables(r, vpn_netns_fd, &cables, e);

	if (rc < 0)
		return rc;
	str_fmt(w.table, sizeof(w.table), "vpnrun%s%s", r->layout == LAYOUT_BRIDGE ? "-" : "",
		r->layout == LAYOUT_BRIDGE ? r->name : "");
	forwarded_ports(r, w.forwarded);
	w.f = open_memstream(&text, &len);
	for (size_t i = 0; w.f && i < n_sets; i++) {
		fputs("flush ", w.f);
		fprintf(w.f, "%.*s%s%s", (int)(strchr(sets[i], '%') - sets[i]), sets[i], w.table,
			strchr(sets[i], '%') + 2);
	}
	for (size_t i = 0; w.f && i < cables.n; i++)
		put_cable(&w, &cables.at[i]);
	if (w.f)
		put_services(&w);
	free(cables.at);
	if (!w.f || fclose(w.f) != 0) {
		free(text);
		return err_set(e, -ENOMEM, "cannot write the inbound ports of %s: no memory",
			       r->name);
	}
	*ret = text;
	return 0;
}
