/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the definitions that policy/netns.nft names and hands the text to libnftables inside the
 * VPN's namespace. Every name and address here comes from the validated profile or from lease.c;
 * nothing a provider's file says is pasted into nft text.
 */
#include "wall/firewall.h"
#include "wall/firewall_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wall/flows.h"
#include "wall/forwarding.h"
#include "wall/lan.h"
#include "state/lease.h"
#include "wall/open_ports.h"
#include "conf/plan.h"
#include "want/record.h"
#include "state/zone.h"

static const char policy_netns[] =
#include "netns.nft.h"
	;
static const char policy_ip4[] =
#include "netns-ip4.nft.h"
	;
static const char policy_ip6[] =
#include "netns-ip6.nft.h"
	;

static const char policy_bridge[] =
#include "bridge.nft.h"
	;
static const char policy_bridge_ip4[] =
#include "bridge-ip4.nft.h"
	;
static const char policy_bridge_ip6[] =
#include "bridge-ip6.nft.h"
	;

static const char policy_direct[] =
#include "direct.nft.h"
	;

static const char policy_dns[] =
#include "dns.nft.h"
	;
static const char policy_bridge_busy[] =
#include "bridge-busy.nft.h"
	;
static const char policy_bridge_arp[] =
#include "bridge-arp.nft.h"
	;
static const char policy_bridge_no6[] =
#include "bridge-no6.nft.h"
	;

static void put_ports(FILE *f, const struct lease_pool *pool, int family)
{
	char port[LEASE_IF_LEN], addr[INET6_ADDRSTRLEN];
	uint8_t mac[6];

	fprintf(f, "define ports%c = {", family == AF_INET ? '4' : '6');
	for (uint32_t h = 2; h <= lease_max(pool); h++) {
		struct in_addr a4 = lease_ip4(pool, h);
		struct in6_addr a6 = lease_ip6(pool, h);
		const void *a = family == AF_INET ? (const void *)&a4 : (const void *)&a6;

		lease_port(pool, h, port);
		lease_mac(pool, h, mac);
		inet_ntop(family, a, addr, sizeof(addr));
		fprintf(f, "%s\"%s\" . %02x:%02x:%02x:%02x:%02x:%02x . %s", h > 2 ? ", " : " ",
			port, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], addr);
	}
	fputs(" }\n", f);
}

static void put_addresses(FILE *f, const struct profile *p, const struct lease_pool *pool)
{
	struct in_addr g4 = lease_ip4(pool, 1);
	struct in6_addr g6 = lease_ip6(pool, 1), n6 = lease_ip6(pool, 0);
	char buf[INET6_ADDRSTRLEN];
	uint8_t mac[6];

	lease_mac(pool, 1, mac);
	fprintf(f, "define gateway_mac = %02x:%02x:%02x:%02x:%02x:%02x\n", mac[0], mac[1], mac[2],
		mac[3], mac[4], mac[5]);
	fprintf(f, "define subnet4 = %s/%u\n", inet_ntop(AF_INET, &p->subnet4, buf, sizeof(buf)),
		p->subnet4_plen);
	fprintf(f, "define gateway4 = %s\n", inet_ntop(AF_INET, &g4, buf, sizeof(buf)));
	fprintf(f, "define subnet6 = %s/64\n", inet_ntop(AF_INET6, &n6, buf, sizeof(buf)));
	fprintf(f, "define gateway6 = %s\n", inet_ntop(AF_INET6, &g6, buf, sizeof(buf)));
}

static void put_family(FILE *f, const struct profile *p, int family, const char *text)
{
	const struct ipaddr *a = plan_source(p, family);
	char buf[INET6_ADDRSTRLEN];

	if (!a)
		return;
	inet_ntop(family, &a->v4, buf, sizeof(buf));
	fprintf(f, "define address%c = %s\n%s", family == AF_INET ? '4' : '6', buf, text);
}

/* A table's name and a "ct count" cannot be definitions of nft's. */
static void put_filled(FILE *f, const char *text, const char *name, uint32_t flows)
{
	static const char name_mark[] = "@NAME@", flows_mark[] = "@FLOWS@";
	const char *at;

	while ((at = strchr(text, '@'))) {
		fprintf(f, "%.*s", (int)(at - text), text);
		text = at;
		if (str_starts(at, name_mark)) {
			fputs(name, f);
			text += sizeof(name_mark) - 1;
		} else if (str_starts(at, flows_mark)) {
			fprintf(f, "%u", flows);
			text += sizeof(flows_mark) - 1;
		} else {
			fputc(*text++, f);
		}
	}
	fputs(text, f);
}

void firewall_put_named(FILE *f, const char *text, const char *name)
{
	put_filled(f, text, name, 0);
}

static void put_bridge_family(FILE *f, const struct profile *p, int family, const char *text)
{
	const struct ipaddr *a = plan_source(p, family);
	char buf[INET6_ADDRSTRLEN];

	if (!a)
		return;
	inet_ntop(family, &a->v4, buf, sizeof(buf));
	fprintf(f, "define address%c = %s\n", family == AF_INET ? '4' : '6', buf);
	firewall_put_named(f, text, p->name);
}

/* A definition of the servers of that family; *ret is the first, NULL: there is none. */
static void put_servers(FILE *f, const struct profile *p, int family, const struct ipaddr **ret)
{
	const struct tunnel *t = &p->tunnel;
	char buf[INET6_ADDRSTRLEN];

	*ret = NULL;
	for (size_t i = 0; i < t->n_dns && plan_source(p, family); i++) {
		if (t->dns[i].family != family)
			continue;
		inet_ntop(family, &t->dns[i].v4, buf, sizeof(buf));
		if (!*ret)
			fprintf(f, "define servers%c = { ", family == AF_INET ? '4' : '6');
		fprintf(f, "%s%s", *ret ? ", " : "", buf);
		*ret = *ret ? *ret : &t->dns[i];
	}
	if (*ret)
		fputs(" }\n", f);
}

/* The one that questions are sent to. */
static const struct ipaddr *first_server(const struct profile *p, int family)
{
	const struct tunnel *t = &p->tunnel;

	for (size_t i = 0; i < t->n_dns && plan_source(p, family); i++)
		if (t->dns[i].family == family)
			return &t->dns[i];
	return NULL;
}

static bool has_spare(const struct profile *p, int family)
{
	for (size_t i = 0; i < p->n_spare_dns; i++)
		if (p->spare_dns[i].family == family)
			return true;
	return false;
}

static void put_dns_rules(FILE *f, const struct profile *p, const char *suffix, int family)
{
	int kinds = p->layout == LAYOUT_NETNS ? 2 : 1;
	const char *ip = family == AF_INET ? "ip" : "ip6";
	char buf[INET6_ADDRSTRLEN], others[64];
	const struct ipaddr *first;

	put_servers(f, p, family, &first);
	if (first)
		snprintf(others, sizeof(others), "%s daddr != $servers%c", ip,
			 family == AF_INET ? '4' : '6');
	else
		snprintf(others, sizeof(others), "meta nfproto %s",
			 family == AF_INET ? "ipv4" : "ipv6");
	/* A bridge's own host is not inside. */
	for (int own = 0; own < kinds; own++) {
		const char *from = own ? "oifname != \"lo\"" : "iifname $br";

		if (first && p->other_dns == OTHER_DNS_REDIRECT)
			fprintf(f,
				"add rule inet vpnrun%s dns-turn%s %s meta l4proto { tcp, udp } th "
				"dport 53 %s dnat %s to %s\n",
				suffix, own ? "-own" : "", from, others, ip,
				inet_ntop(family, &first->v4, buf, sizeof(buf)));
		fprintf(f,
			"add rule inet vpnrun%s dns-guard%s %s meta l4proto { tcp, udp } th dport "
			"{ 53, 853 } %s jump refuse\n",
			suffix, own ? "-own" : "", from, others);
	}
}

/* A program that came in when another server was in use asks that one's name server, which is not
 * behind this one. */
static void put_spares(FILE *f, const struct profile *p, const char *suffix, int family)
{
	const struct ipaddr *to = first_server(p, family);
	const char *ip = family == AF_INET ? "ip" : "ip6", *comma = "";
	int kinds = p->layout == LAYOUT_NETNS ? 2 : 1;
	char buf[INET6_ADDRSTRLEN];

	if (!to || !has_spare(p, family))
		return;
	fprintf(f, "define spares%c = {", family == AF_INET ? '4' : '6');
	for (size_t i = 0; i < p->n_spare_dns; i++)
		if (p->spare_dns[i].family == family) {
			fprintf(f, "%s %s", comma,
				inet_ntop(family, &p->spare_dns[i].v4, buf, sizeof(buf)));
			comma = ",";
		}
	fputs(" }\n", f);
	inet_ntop(family, &to->v4, buf, sizeof(buf));
	for (int own = 0; own < kinds; own++)
		fprintf(f,
			"add rule inet vpnrun%s dns-turn%s %s meta l4proto { tcp, udp } th dport 53 "
			"%s daddr $spares%c dnat %s to %s\n",
			suffix, own ? "-own" : "", own ? "oifname != \"lo\"" : "iifname $br", ip,
			family == AF_INET ? '4' : '6', ip, buf);
}

static void put_dns(FILE *f, const struct profile *p)
{
	char suffix[NAME_MAX_LEN + 2] = "";

	if (p->other_dns == OTHER_DNS_ALLOW && !p->n_spare_dns)
		return;
	if (p->layout == LAYOUT_BRIDGE)
		snprintf(suffix, sizeof(suffix), "-%s", p->name);
	firewall_put_named(f, policy_dns, suffix);
	if (p->other_dns != OTHER_DNS_REDIRECT) {
		put_spares(f, p, suffix, AF_INET);
		put_spares(f, p, suffix, AF_INET6);
	}
	if (p->other_dns == OTHER_DNS_ALLOW)
		return;
	put_dns_rules(f, p, suffix, AF_INET);
	put_dns_rules(f, p, suffix, AF_INET6);
}

/* The ways to the LAN: out, and with the host's own address, so that the answers come back. */
static void put_lan(FILE *f, const struct profile *p)
{
	/* The uplink is what leads to the LAN. */
	const char *not_by = p->way ? "" : "$tun, ";
	char buf[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < p->n_allow_lan; i++) {
		const struct ipaddr *a = &p->allow_lan[i];
		bool is_4 = a->family == AF_INET;

		inet_ntop(a->family, &a->v4, buf, sizeof(buf));
		fprintf(f,
			"add rule inet vpnrun-%s lan oifname != { %s$br, \"lo\" } %s saddr %s "
			"%s daddr %s/%u accept\n"
			"add rule inet vpnrun-%s nat oifname != { %s$br, \"lo\" } %s saddr %s "
			"%s daddr %s/%u masquerade\n",
			p->name, not_by, is_4 ? "ip" : "ip6", is_4 ? "$subnet4" : "$subnet6",
			is_4 ? "ip" : "ip6", buf, a->plen, p->name, not_by, is_4 ? "ip" : "ip6",
			is_4 ? "$subnet4" : "$subnet6", is_4 ? "ip" : "ip6", buf, a->plen);
	}
}

struct opened_lan {
	FILE *f;
	const struct profile *p;
};

/* It was closed before, and is open for answers alone. What another program forwards by name, as
 * Docker does for published ports, is its own affair: it has opened the machine since. */
static void put_opened(int family, const char *dev, void *arg)
{
	const struct opened_lan *o = arg;

	static const char *const what[] = {"{ invalid, untracked }", "new ct status & dnat == 0"};

	for (size_t i = 0; i < ARRAY_SIZE(what); i++)
		fprintf(o->f,
			"add rule inet vpnrun-%s forward iifname \"%s\" oifname != $br meta nfproto "
			"%s ct state %s drop\n",
			o->p->name, dev, family == AF_INET ? "ipv4" : "ipv6", what[i]);
}

/* The addresses are the profile's as parsed, written anew here. */
static void put_allowed(FILE *f, const struct profile *p)
{
	char buf[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < p->n_subnets; i++) {
		const struct ipaddr *a = &p->subnets[i];

		inet_ntop(a->family, &a->v4, buf, sizeof(buf));
		fprintf(f,
			"add rule inet vpnrun-%s output oifname { \"lo\", $br } %s daddr %s/%u "
			"jump refuse\n",
			p->name, a->family == AF_INET ? "ip" : "ip6", buf, a->plen);
	}
	for (size_t i = 0; i < p->n_allow_host; i++)
		fprintf(f, "add rule inet vpnrun-%s services %s dport %u accept\n", p->name,
			p->allow_host[i].udp ? "udp" : "tcp", p->allow_host[i].port);
	put_lan(f, p);
}

static void put_names(FILE *f, const struct profile *p)
{
	char buf[INET6_ADDRSTRLEN];

	for (int i = 0; i < 2; i++) {
		int family = i ? AF_INET6 : AF_INET;

		if (p->way->of[i].has_dns)
			fprintf(f,
				"add rule inet vpnrun-%s names iifname $br %s daddr $gateway%c meta "
				"l4proto { tcp, udp } th dport 53 dnat %s to %s\n",
				p->name, i ? "ip6" : "ip", i ? '6' : '4', i ? "ip6" : "ip",
				inet_ntop(family, p->way->of[i].dns, buf, sizeof(buf)));
	}
}

/* The inner table is the same, whatever the way out is. */
static void put_direct(FILE *f, const struct profile *p, const struct lease_pool *pool)
{
	fprintf(f, "define own_mark = %u\n", p->tunnel.fwmark);
	put_filled(f, policy_direct, p->name, flows_per_lease(pool));
	put_filled(f, strstr(policy_bridge, "\ntable bridge vpnrun-"), p->name, 0);
	put_names(f, p);
}

static void put_tunnel(FILE *f, const struct profile *p, const struct lease_pool *pool)
{
	put_filled(f, policy_bridge, p->name, flows_per_lease(pool));
	put_bridge_family(f, p, AF_INET, policy_bridge_ip4);
	put_bridge_family(f, p, AF_INET6, policy_bridge_ip6);
}

static int put_bridge(FILE *f, const struct profile *p, const struct lease_pool *pool,
		      struct err *e)
{
	struct opened_lan opened = {.f = f, .p = p};
	struct in6_addr n6 = lease_ip6(pool, 0);
	char buf[INET6_ADDRSTRLEN];

	fprintf(f, "define ports = \"vr%d.*\"\ndefine macs = 02:76:70:%02x:00:00\n", p->id,
		(unsigned int)p->id);
	fprintf(f, "define leases6 = %s/112\n", inet_ntop(AF_INET6, &n6, buf, sizeof(buf)));
	if (p->way)
		put_direct(f, p, pool);
	else
		put_tunnel(f, p, pool);
	put_allowed(f, p);
	if (plan_source(p, AF_INET6) && !forwarding_has_ip6(p))
		firewall_put_named(f, policy_bridge_no6, p->name);
	return forwarding_opened(p, put_opened, &opened, e);
}

/* No device is called as what stands for none. */
static const char *device_out(const struct profile *p)
{
	return !p->way ? p->name : p->way->dev[0] ? p->way->dev : "vpnrun/none";
}

int firewall_text(const struct profile *p, char **ret, struct err *e)
{
	struct lease_pool pool = plan_pool(p);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int r = 0;

	if (!f)
		return err_sys(e, -errno, "cannot write the firewall of %s", p->name);
	fprintf(f, "define tun = \"%s\"\ndefine br = \"%s\"\n", device_out(p), p->bridge);
	put_addresses(f, p, &pool);
	put_ports(f, &pool, AF_INET);
	put_ports(f, &pool, AF_INET6);
	zone_put_pairs(f);
	if (p->layout == LAYOUT_BRIDGE) {
		r = put_bridge(f, p, &pool, e);
	} else {
		put_filled(f, policy_netns, p->name, flows_per_lease(&pool));
		put_family(f, p, AF_INET, policy_ip4);
		put_family(f, p, AF_INET6, policy_ip6);
		lan_put_inside(f, p);
	}
	put_dns(f, p);
	if (fclose(f) != 0) {
		free(text);
		return err_set(e, -ENOMEM, "cannot write the firewall of %s: no memory", p->name);
	}
	if (r < 0) {
		free(text);
		return r;
	}
	*ret = text;
	return 0;
}

int firewall_refresh_ports(const struct record *r, int vpn_netns_fd, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int rc = open_ports_text(r, vpn_netns_fd, &text, e);

	return rc < 0 ? rc : firewall_run(r->name, text, vpn_netns_fd, e);
}

int firewall_apply(const struct profile *p, int netns_fd, struct err *e)
{
	AUTO_FREE char *text = NULL, *inbound = NULL, *all = NULL;
	struct record rec;
	int r = firewall_text(p, &text, e);

	/* What is open for those who are inside stays so, with no moment in between. */
	if (r == 0)
		r = plan_record(p, 0, &rec, e);
	if (r == 0)
		r = open_ports_text(&rec, netns_fd, &inbound, e);
	if (r == 0 && asprintf(&all, "%s%s", text, inbound) < 0) {
		all = NULL;
		r = err_sys(e, -ENOMEM, "cannot load the firewall of %s", p->name);
	}
	return r < 0 ? r : firewall_run(p->name, all, netns_fd, e);
}

static void put_busy(FILE *f, const struct profile *p)
{
	struct lease_pool pool = plan_pool(p);
	char buf[INET6_ADDRSTRLEN];

	fprintf(f, "define tun = \"%s\"\ndefine br = \"%s\"\n", p->name, p->bridge);
	put_addresses(f, p, &pool);
	firewall_put_named(f, policy_bridge_busy, p->name);
	fprintf(f,
		"add rule netdev vpnrun-%s ways meta protocol ip fib daddr oifname $tun accept\n",
		p->name);
	if (forwarding_has_ip6(p))
		fprintf(f,
			"add rule netdev vpnrun-%s ways meta protocol ip6 fib daddr oifname $tun "
			"accept\n",
			p->name);
	for (size_t i = 0; i < p->n_allow_lan; i++) {
		const struct ipaddr *a = &p->allow_lan[i];

		inet_ntop(a->family, &a->v4, buf, sizeof(buf));
		fprintf(f, "add rule netdev vpnrun-%s ways %s daddr %s/%u accept\n", p->name,
			a->family == AF_INET ? "ip" : "ip6", buf, a->plen);
	}
}

void firewall_apply_busy(const struct profile *p, int netns_fd)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	put_busy(f, p);
	if (fclose(f) == 0)
		firewall_run(p->name, text, netns_fd, NULL);
}

int firewall_apply_arp(const struct profile *p, int netns_fd, struct err *e)
{
	const struct ipaddr *own = plan_source(p, AF_INET);
	struct lease_pool pool = plan_pool(p);
	struct in_addr a4 = own ? own->v4 : lease_ip4(&pool, 1);
	AUTO_FREE char *text = NULL;
	char buf[INET_ADDRSTRLEN];
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return err_sys(e, -errno, "cannot write the firewall of %s", p->name);
	fprintf(f, "define br = \"%s\"\n", p->bridge);
	put_addresses(f, p, &pool);
	fprintf(f, "define address4 = %s\n", inet_ntop(AF_INET, &a4, buf, sizeof(buf)));
	firewall_put_named(f, policy_bridge_arp, p->name);
	if (fclose(f) != 0)
		return err_set(e, -ENOMEM, "cannot write the firewall of %s: no memory", p->name);
	return firewall_run(p->name, text, netns_fd, e);
}
