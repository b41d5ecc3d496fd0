/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VPN of the layout "netns", in its own namespace, in the order of the making: the namespace is
 * closed (settings, firewall) before the bridge exists, and the bridge before the tunnel. Pure.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>

#include "base/util.h"
#include "conf/plan.h"
#include "want/want.h"

static void add_settings(struct want_list *l)
{
	static const struct {
		const char *key, *value;
	} all[] = {
		/* First: it resets what follows. */
		{"ipv4/ip_forward", "1"},
		{"ipv4/conf/all/rp_filter", "1"},
		{"ipv4/conf/default/rp_filter", "1"},
		{"ipv4/conf/all/accept_redirects", "0"},
		{"ipv4/conf/default/accept_redirects", "0"},
		{"ipv4/conf/all/send_redirects", "0"},
		{"ipv4/conf/default/send_redirects", "0"},
		{"ipv4/conf/all/accept_source_route", "0"},
		{"ipv4/conf/default/accept_source_route", "0"},
		/* An ARP request on the bridge must not learn the tunnel's address. */
		{"ipv4/conf/all/arp_ignore", "1"},
		/* "Unreachable at once" needs every refusal to be sent. */
		{"ipv4/icmp_ratelimit", "0"},
		{"ipv6/conf/all/forwarding", "1"},
		{"ipv6/conf/all/accept_ra", "0"},
		{"ipv6/conf/default/accept_ra", "0"},
		{"ipv6/conf/all/accept_redirects", "0"},
		{"ipv6/conf/default/accept_redirects", "0"},
		{"ipv6/icmp/ratelimit", "0"},
		/* Ports must stay silent; addr_gen_mode cannot be given when they are made. */
		{"ipv6/conf/default/addr_gen_mode", "1"},
		{"ipv6/conf/default/disable_ipv6", "1"},
		/* Where Docker has loaded br_netfilter, frames would pass the IP hooks twice. */
		{"bridge/bridge-nf-call-iptables", "0"},
		{"bridge/bridge-nf-call-ip6tables", "0"},
		{"bridge/bridge-nf-call-arptables", "0"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		want_add_sysctl(l, all[i].key, "", all[i].value,
				str_starts(all[i].key, "ipv4") ? 0 : WANT_IF_KNOWN);
}

/* Without a route the kernel's own refusals are slow or lost; with this one, packets that the
 * tunnel does not take reach the firewall, which refuses them at once. */
static void add_fallback(struct want_list *l, const char *br, int family)
{
	want_add_route(l, br, family, RT_TABLE_MAIN, UINT32_MAX);
}

static void add_bridge(struct want_list *l, const struct profile *p, uint32_t mtu)
{
	struct lease_pool pool = plan_pool(p);
	struct in_addr g4 = lease_ip4(&pool, 1);
	struct in6_addr g6 = lease_ip6(&pool, 1), net6 = lease_ip6(&pool, 0);
	bool ip6 = plan_source(p, AF_INET6) != NULL;
	const char *br = p->bridge;
	uint8_t mac[6];

	lease_mac(&pool, 1, mac);
	want_add_up(l, "lo");
	want_add_link(l, br, "bridge", mac, mtu);
	want_own_settings(l, br, ip6);
	want_add_addr(l, br, AF_INET, &g4, pool.plen, false);
	if (ip6)
		want_add_addr(l, br, AF_INET6, &g6, 64, false);
	want_add_neigh(l, br, &pool, AF_INET);
	if (ip6)
		want_add_neigh(l, br, &pool, AF_INET6);
	want_add_up(l, br);
	/* The kernel makes these with the addresses. */
	want_route_to(want_add_route(l, br, AF_INET, RT_TABLE_MAIN, 0), &p->subnet4,
		      p->subnet4_plen);
	if (ip6)
		want_route_to(want_add_route(l, br, AF_INET6, RT_TABLE_MAIN, 256), &net6, 64);
	add_fallback(l, br, AF_INET);
	if (ip6)
		add_fallback(l, br, AF_INET6);
}

void want_namespace(struct want_list *l, const struct profile *p)
{
	struct want_netns *n = &want_add(l, WANT_NETNS)->netns;

	if (str_copy(n->name, sizeof(n->name), p->name) < 0)
		l->failed = true;
}

void want_netns(struct want_list *l, const struct profile *p, uint32_t mtu)
{
	add_settings(l);
	want_add_nft(l, NFPROTO_INET, "vpnrun", 0);
	want_add_nft(l, NFPROTO_BRIDGE, "vpnrun", 0);
	/* Five days, by default, for a connection of somebody who has ended without a word. The
	 * least that RFC 5382 allows is still longer than a TCP keepalive takes. The firewall has
	 * loaded what this is a setting of. */
	want_add_sysctl(l, "netfilter/nf_conntrack_tcp_timeout_established", "", "7440",
			WANT_IF_KNOWN | WANT_IF_CAN);
	add_bridge(l, p, mtu);
}
