/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VPN is, as data: what is in each list, and in which order.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/addr.h"
#include "unit/tap.h"
#include "base/util.h"
#include "want/want.h"

static char bridge_name[] = "br-demo";

struct demo {
	struct ipaddr addresses[2], allowed[2];
	struct tunnel_peer peer;
	struct profile p;
};

static void make(struct demo *d, enum vpn_layout layout, bool ip6)
{
	memset(d, 0, sizeof(*d));
	d->addresses[0] = addr("10.64.0.2", 32);
	d->addresses[1] = addr("fd64:64::2", 128);
	d->allowed[0] = addr("0.0.0.0", 0);
	d->allowed[1] = addr("::", 0);
	d->peer.allowed = d->allowed;
	d->peer.n_allowed = ip6 ? 2 : 1;
	d->p.id = 1;
	d->p.layout = layout;
	d->p.bridge = bridge_name;
	d->p.subnet4_plen = 24;
	d->p.tunnel.fwmark = MARK_BASE + 1;
	inet_pton(AF_INET, "10.20.1.0", &d->p.subnet4);
	str_copy(d->p.name, sizeof(d->p.name), "demo");
	d->p.tunnel.addresses = d->addresses;
	d->p.tunnel.n_addresses = 2;
	d->p.tunnel.peers = &d->peer;
	d->p.tunnel.n_peers = 1;
}

/* The place of the first object that is called so, -1: there is none. */
static int place(const struct want_list *l, const char *text)
{
	char name[WANT_TEXT_LEN];

	for (size_t i = 0; i < l->n; i++) {
		want_describe(&l->at[i], name);
		if (!strcmp(name, text))
			return (int)i;
	}
	printf("# %s: not in the list\n", text);
	return -1;
}

/* Where the device is to be up, and not only there. */
static int place_up(const struct want_list *l, const char *dev)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->at[i].kind == WANT_LINK && l->at[i].link.up &&
		    !strcmp(l->at[i].link.name, dev))
			return (int)i;
	return -1;
}

static bool is_before(int a, int b)
{
	return a >= 0 && b >= 0 && a < b;
}

static int count(const struct want_list *l, enum want_kind kind)
{
	int n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->at[i].kind == kind;
	return n;
}

static bool has_ip6(const struct want_list *l)
{
	char name[WANT_TEXT_LEN];

	for (size_t i = 0; i < l->n; i++) {
		const struct want *w = &l->at[i];

		want_describe(w, name);
		if ((w->kind == WANT_ADDR && w->addr.family == AF_INET6) ||
		    (w->kind == WANT_NEIGH && w->neigh.family == AF_INET6) ||
		    (w->kind == WANT_ROUTE && w->route.family == AF_INET6 && w->route.dev[0]))
			return true;
	}
	return false;
}

static void test_netns(void)
{
	struct want_list l = {0};
	struct demo d;
	int fw, up;

	make(&d, LAYOUT_NETNS, true);
	want_netns(&l, &d.p, 1420);
	want_tunnel(&l, &d.p);
	ok(!l.failed, "the list of a VPN's own namespace is made");
	fw = place(&l, "the firewall's table inet vpnrun");
	up = place_up(&l, "br-demo");
	ok(is_before(place(&l, "the sysctl net.ipv4.ip_forward = 1"), fw) &&
		   is_before(fw, place(&l, "the device br-demo")),
	   "L03: it is closed before there is a bridge");
	ok(is_before(place(&l, "the sysctl net.ipv6.conf.default.disable_ipv6 = 1"),
		     place(&l, "the device br-demo")),
	   "R46: ports are silent from the first");
	ok(is_before(place(&l, "the address 10.20.1.1/24 of br-demo"), up) &&
		   is_before(up, place(&l, "the route default dev br-demo metric 4294967295")),
	   "the gateway has its addresses before the bridge is up, and the fallback route after");
	ok(is_before(place(&l, "the route default dev br-demo metric 4294967295"),
		     place(&l, "the device demo")),
	   "L04: what refuses is there before the tunnel");
	ok(is_before(place_up(&l, "demo"), place(&l, "the route default dev demo")) &&
		   place(&l, "the IPv6 route default dev demo") >= 0,
	   "the tunnel's routes come when it is up, of both families");
	ok(place(&l, "the sysctl net.ipv4.conf.br-demo.forwarding = 1") >= 0 &&
		   place(&l, "the sysctl net.ipv4.conf.demo.forwarding = 1") >= 0,
	   "each device's own switch is in it");
	is_int(count(&l, WANT_NFT), 2, "two tables of the firewall");
	is_int(count(&l, WANT_NEIGH), 2, "the neighbours of both families");
	want_list_free(&l);
	make(&d, LAYOUT_NETNS, false);
	want_netns(&l, &d.p, 1420);
	want_tunnel(&l, &d.p);
	ok(!has_ip6(&l), "L05: a family that the tunnel does not carry has no address and no way");
	want_list_free(&l);
}

static void test_bridge(void)
{
	struct want_list l = {0};
	struct demo d;
	int fw, last, rule;

	make(&d, LAYOUT_BRIDGE, true);
	want_bridge_firewall(&l, &d.p);
	want_bridge_device(&l, &d.p, 1420);
	want_bridge_table(&l, &d.p);
	want_bridge_rules(&l, &d.p);
	want_tunnel(&l, &d.p);
	fw = place(&l, "the firewall's table inet vpnrun-demo");
	last = place(&l, "the route unreachable default metric 4294967295 of the table 1");
	rule = place(&l, "the rule 201: from 10.20.1.0/24 lookup 1");
	ok(is_before(fw, place(&l, "the device br-demo")),
	   "L03: the firewall is before the bridge");
	ok(is_before(last, rule), "L03: the table has its last route before a rule leads there");
	is_int(place(&l, "the rule 201: from 10.20.1.0/24 unreachable"), rule + 1,
	       "L03: the rule behind the lookup closes it");
	is_int(place(&l, "the IPv6 rule 201: from fd64:64::2 unreachable"),
	       place(&l, "the IPv6 rule 201: from fd64:64::2 lookup 1") + 1,
	       "L03: so it does for the tunnel's own address");
	ok(is_before(rule, place(&l, "the device demo")), "the tunnel comes last");
	ok(place(&l, "the route default dev demo of the table 1") >= 0,
	   "its routes are in the VPN's table");
	is_int(count(&l, WANT_NFT), 5, "five tables, three of them if the kernel knows such");
	want_list_free(&l);
}

/* Taken away in reverse, but for the bridge, which goes first. */
static void test_rest(void)
{
	const struct record r = {.name = "demo", .id = 1, .bridge = "br-demo"};
	struct want_list l = {0}, all = {0};
	struct demo d;
	int found = 0;

	make(&d, LAYOUT_BRIDGE, true);
	want_bridge_firewall(&all, &d.p);
	want_bridge_device(&all, &d.p, 1420);
	want_bridge_table(&all, &d.p);
	want_bridge_rest(&l, &r);
	is_int(place(&l, "the firewall's table inet vpnrun-demo"), 0,
	       "L03: the firewall goes last");
	for (size_t i = 0; i < all.n; i++)
		for (size_t k = 0; all.at[i].kind == WANT_NFT && k < l.n; k++)
			found += want_is_same(&all.at[i], &l.at[k]);
	is_int(found, count(&all, WANT_NFT), "R37: every table that was made is taken away");
	ok(place(&l, "the device br-demo") > 0 &&
		   place(&l, "the route default dev lo metric 4294967294 of the table 1") > 0,
	   "R37: so are the bridge, and the routes that do not go with it");
	is_int(count(&l, WANT_RULE), 2, "R37: and the rules of its number, of both families");
	want_list_free(&l);
	want_list_free(&all);
}

static void test_default(void)
{
	const struct default_note n = {.valid_mark = 0};
	struct want_host h = {.pool = {.id = 1, .plen = 24}};
	struct default_way w = {.name = "demo", .id = 1, .has_ip4 = 1, .host = 9, .dev = "vh-demo"};
	struct want_list l = {0};

	inet_pton(AF_INET, "10.20.1.0", &h.pool.subnet4);
	w.addr4 = lease_ip4(&h.pool, 9);
	want_default(&l, &n, &w, &h);
	is_int(place(&l, "the sysctl net.ipv4.conf.all.src_valid_mark = 1"), 0,
	       "R25: a strict reverse path is told of the mark first, and given back last");
	ok(l.n && !strcmp(l.at[0].sysctl.before, "0"), "R12: as it was");
	ok(is_before(place(&l, "the firewall's table inet vpnrun-default-demo"),
		     place(&l, "what the host forwards by it ends with demo")) &&
		   is_before(place(&l, "what the host forwards by it ends with demo"),
			     place(&l, "the device vh-demo")) &&
		   is_before(place(&l, "the device vh-demo"),
			     place(&l, "what is connected by it ends with demo")) &&
		   is_before(place(&l, "what is connected by it ends with demo"),
			     place(&l, "the rule 401: from all nop")),
	   "L29: taken away, connections end before the cable goes and after, and then the firewall");
	ok(is_before(place(&l, "the firewall's table inet vpnrun-default-demo"),
		     place(&l, "the rule 301: from all lookup 1")),
	   "L03: the default's firewall is before a rule that leads there");
	ok(is_before(place(&l, "the route unreachable default metric 4294967295 of the table 1"),
		     place(&l, "the rule 301: from all lookup 1")),
	   "L03: the table has its last route before a rule leads there");
	ok(place(&l, "the route default via 10.20.1.1 dev vh-demo metric 1 of the table 1") >= 0,
	   "the way in");
	ok(place(&l, "the IPv6 route unreachable default metric 4294967295 of the table 1") >= 0 &&
		   place(&l, "the IPv6 rule 301: from all unreachable") >= 0,
	   "R14: IPv6 is closed, too, where the VPN has none");
	ok(is_before(place(&l, "the rule 401: from all nop"),
		     place(&l, "the rule 301: from all fwmark 0x2700/0xffffff80 goto 401")),
	   "a place to jump to is there before who jumps");
	want_list_free(&l);
	w.layout = LAYOUT_BRIDGE;
	want_default(&l, &n, &w, &h);
	is_int(count(&l, WANT_LINK) + count(&l, WANT_ROUTE), 0,
	       "of the layout bridge the device and the table are the VPN's own");
	want_list_free(&l);
}

static struct want *addr_of(struct want_list *l, const char *dev, const char *text, uint8_t plen)
{
	struct ipaddr a = addr(text, plen);

	want_add_addr(l, dev, a.family, &a.v4, plen, false);
	return &l->at[l->n - 1];
}

static void test_places(void)
{
	struct rtnl_rule r = {.family = AF_INET, .priority = 301, .table = 1};
	struct want_list l = {0};
	struct want_act *a;

	addr_of(&l, "demo", "10.64.0.2", 32);
	addr_of(&l, "demo", "10.64.0.2", 24);
	addr_of(&l, "demo", "10.64.0.3", 32);
	ok(want_takes_place(&l.at[0], &l.at[1]), "an address with another prefix is in its place");
	ok(!want_takes_place(&l.at[0], &l.at[2]), "another address is not");
	l.n = 0;
	want_add_route(&l, "demo", AF_INET, 1, 1);
	want_add_route(&l, "other", AF_INET, 1, 1);
	want_add_route(&l, "demo", AF_INET, 1, 2);
	want_add_route(&l, "demo", AF_INET6, 1, 1);
	ok(want_takes_place(&l.at[0], &l.at[1]), "a route by another device is in its place");
	ok(!want_takes_place(&l.at[0], &l.at[2]) && !want_takes_place(&l.at[0], &l.at[3]),
	   "one of another metric or family is not");
	l.n = 0;
	want_add_rule(&l, &r);
	r.table = 2;
	want_add_rule(&l, &r);
	r.priority = 302;
	want_add_rule(&l, &r);
	ok(want_takes_place(&l.at[0], &l.at[1]) && !want_takes_place(&l.at[1], &l.at[2]),
	   "all rules of one number are one place");
	l.n = 0;
	for (int i = 0; i < 3; i++) {
		a = want_add_act(&l, ACT_NAMES, i ? "other" : "demo");
		a->how = i == 2 ? DEFAULT_DNS_RESOLVED : DEFAULT_DNS_FILE;
	}
	ok(want_takes_place(&l.at[0], &l.at[1]) && !want_takes_place(&l.at[1], &l.at[2]),
	   "R19: the machine's file of names is one place, whosever names it has");
	memcpy(l.at[1].act.dev, "vh-a", 5);
	l.at[1].act.how = DEFAULT_DNS_RESOLVED;
	ok(!want_takes_place(&l.at[1], &l.at[2]), "and the servers of each device are another");
	l.n = 0;
	a = want_add_act(&l, ACT_FLOWS, "demo");
	a->has_ip4 = true;
	a = want_add_act(&l, ACT_FLOWS, "demo");
	a->has_ip4 = true;
	a->addr4.s_addr = 7;
	ok(!want_takes_place(&l.at[0], &l.at[1]),
	   "L29: what another address was given is to be forgotten all the same");
	want_list_free(&l);
}

static void test_minus(void)
{
	struct want_list had = {0}, wanted = {0}, rest = {0};
	struct demo d;

	make(&d, LAYOUT_NETNS, true);
	want_netns(&had, &d.p, 1420);
	want_tunnel(&had, &d.p);
	d.addresses[0] = addr("10.64.0.9", 32);
	d.p.tunnel.n_addresses = 1;
	d.peer.n_allowed = 1;
	want_netns(&wanted, &d.p, 1380);
	want_tunnel(&wanted, &d.p);
	want_list_minus(&had, &wanted, &rest);
	ok(place(&rest, "the address 10.64.0.2/32 of demo") >= 0 &&
		   place(&rest, "the address fd64:64::2/128 of demo") >= 0 &&
		   place(&rest, "the IPv6 route default dev demo") >= 0,
	   "R76: what the file had and has no more is the difference");
	is_int(count(&rest, WANT_LINK) + count(&rest, WANT_NFT) + count(&rest, WANT_FILE), 0,
	       "what is only altered is not");
	ok(is_before(place(&rest, "the address fd76:706e:7275:1::1/64 of br-demo"),
		     place(&rest, "the address fd64:64::2/128 of demo")),
	   "in the order of the making");
	rest.n = 0;
	want_list_minus(&had, &had, &rest);
	is_int((long long)rest.n, 0, "R13: the same again leaves nothing to take away");
	want_list_free(&had);
	want_list_free(&wanted);
	want_list_free(&rest);
}

int main(void)
{
	tap_begin();
	test_places();
	test_minus();
	test_netns();
	test_bridge();
	test_rest();
	test_default();
	return tap_done();
}
