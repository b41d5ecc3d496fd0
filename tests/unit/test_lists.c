/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VPN is in the kernel, to the last object: each setting, address, neighbour, route and rule
 * of the lists stands once more in lists.txt, in words. Who takes one away has to say so there.
 * SHOW=1 prints them as they are.
 */
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/addr.h"
#include "unit/tap.h"
#include "base/util.h"
#include "conf/value.h"
#include "want/want.h"

static char bridge_name[] = "br-demo";

struct demo {
	struct ipaddr addresses[3], allowed[3], subnets[2], lan[2];
	struct tunnel_peer peer;
	struct profile p;
};

static void make(struct demo *d, enum vpn_layout layout)
{
	memset(d, 0, sizeof(*d));
	d->addresses[0] = addr("10.64.0.2", 32);
	d->addresses[1] = addr("fd64:64::2", 128);
	d->addresses[2] = addr("10.64.0.3", 32);
	d->allowed[0] = addr("0.0.0.0", 0);
	d->allowed[1] = addr("::", 0);
	d->allowed[2] = addr("10.9.0.0", 16);
	d->subnets[0] = addr("198.51.100.0", 24);
	d->subnets[1] = addr("2001:db8::", 32);
	d->lan[0] = addr("192.168.7.0", 24);
	d->lan[1] = addr("100.64.0.0", 10);
	d->peer.allowed = d->allowed;
	d->peer.n_allowed = 3;
	d->p.id = 1;
	d->p.layout = layout;
	d->p.bridge = bridge_name;
	d->p.subnet4_plen = 24;
	d->p.tunnel.fwmark = MARK_BASE + 1;
	inet_pton(AF_INET, "10.20.1.0", &d->p.subnet4);
	str_copy(d->p.name, sizeof(d->p.name), "demo");
	d->p.tunnel.addresses = d->addresses;
	d->p.tunnel.n_addresses = 3;
	d->p.tunnel.peers = &d->peer;
	d->p.tunnel.n_peers = 1;
}

/* The object in words, with all that want_describe() leaves out. */
static void put(const struct want *w, FILE *f)
{
	char text[WANT_TEXT_LEN];

	want_describe(w, text);
	fputs(text, f);
	if (w->kind == WANT_LINK) {
		const uint8_t *m = w->link.mac;

		if (w->link.kind[0])
			fprintf(f, " %s", w->link.kind);
		if (w->link.has_mac)
			fprintf(f, " %02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
				m[5]);
		if (w->link.mtu)
			fprintf(f, " mtu %u", w->link.mtu);
		if (w->link.up)
			fputs(" up", f);
	}
	if (w->kind == WANT_ADDR && w->addr.no_prefix_route)
		fputs(" noprefixroute", f);
	if (w->flags)
		fprintf(f, " (%s%s%s)", w->flags & WANT_IF_KNOWN ? "k" : "",
			w->flags & WANT_IF_CAN ? "c" : "", w->flags & WANT_OTHERS ? "o" : "");
	fputs("\n", f);
}

/* The lines below "== WHAT", up to the next such. */
static char *section(const char *what)
{
	char head[200], *text = NULL, *at, *end, *ret;

	if (file_read("tests/unit/lists.txt", 1 << 20, &text, NULL, NULL) < 0)
		return NULL;
	snprintf(head, sizeof(head), "== %s\n", what);
	at = strstr(text, head);
	end = at ? strstr(at + 1, "\n== ") : NULL;
	if (end)
		end[1] = '\0';
	ret = at ? strdup(at + strlen(head)) : NULL;
	free(text);
	return ret;
}

/* Says where they part, for whole lists are long. */
static void say_difference(const char *got, const char *wanted)
{
	size_t n = 0;

	while (got[n] && got[n] == wanted[n])
		n++;
	while (n && got[n - 1] != '\n')
		n--;
	printf("#   got    '%.*s'\n#   wanted '%.*s'\n", (int)strcspn(got + n, "\n"), got + n,
	       (int)strcspn(wanted + n, "\n"), wanted + n);
}

static void same(struct want_list *l, const char *what)
{
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *wanted = section(what);
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (size_t i = 0; f && i < l->n; i++)
		put(&l->at[i], f);
	if (!f || fclose(f) != 0 || l->failed) {
		ok(false, "%s: no memory", what);
	} else {
		if (!ok(wanted && !strcmp(text, wanted), "%s", what))
			say_difference(text, wanted ? wanted : "");
		if (getenv("SHOW"))
			printf("== %s\n%s", what, text);
	}
	want_list_free(l);
}

static void test_netns(void)
{
	struct want_list l = {0};
	struct demo d;

	make(&d, LAYOUT_NETNS);
	want_netns(&l, &d.p, 1420);
	same(&l, "L01 L04 L19 L24: a VPN's own namespace");
	want_tunnel(&l, &d.p);
	same(&l, "R34: its tunnel");
	d.p.tunnel.n_addresses = 1;
	want_netns(&l, &d.p, 1420);
	want_tunnel(&l, &d.p);
	for (size_t i = 0; i < l.n; i++)
		if (l.at[i].kind == WANT_SYSCTL && strstr(l.at[i].sysctl.key, "disable_ipv6"))
			ok(!strcmp(l.at[i].sysctl.value, "1"),
			   "L04: without IPv6 in the tunnel no device has it");
	want_list_free(&l);
}

static void test_bridge(void)
{
	struct want_list l = {0};
	struct demo d;

	make(&d, LAYOUT_BRIDGE);
	want_bridge_firewall(&l, &d.p);
	want_bridge_device(&l, &d.p, 1420);
	want_bridge_table(&l, &d.p);
	same(&l, "L03 L18 L62: a VPN among the host's devices");
	want_tunnel(&l, &d.p);
	same(&l, "R23 R25: its tunnel among the host's devices");
	d.p.subnets = d.subnets;
	d.p.n_subnets = 2;
	d.p.allow_lan = d.lan;
	d.p.n_allow_lan = 2;
	want_bridge_rules(&l, &d.p);
	same(&l, "L03 R23 R24 R53: what leads into its table, and what closes behind");
	d.p.tunnel.n_addresses = 1;
	d.p.tunnel.fwmark = 7;
	d.p.n_allow_lan = 0;
	want_bridge_rules(&l, &d.p);
	same(&l, "R17: with a mark of the file's, and without IPv6");
	d.p.n_subnets = 0;
	want_bridge_device(&l, &d.p, 1420);
	want_bridge_table(&l, &d.p);
	want_tunnel(&l, &d.p);
	same(&l, "L04: without IPv6 in the tunnel no device has it, and its table is closed");
}

static void test_default(void)
{
	const struct want_marks marks = {.at = {7}, .n = 1};
	struct default_way w = {
		.name = "demo", .id = 1, .has_ip4 = 1, .has_ip6 = 1, .host = 9, .dev = "vh-demo"};
	struct lease_pool pool = {.id = 1, .plen = 24};
	struct want_list l = {0};

	inet_pton(AF_INET, "10.20.1.0", &pool.subnet4);
	w.addr4 = lease_ip4(&pool, 9);
	w.addr6 = lease_ip6(&pool, 9);
	w.dns[0].family = AF_INET;
	inet_pton(AF_INET, "10.64.0.1", w.dns[0].addr);
	w.dns[1].family = AF_INET6;
	inet_pton(AF_INET6, "fd64:64::1", w.dns[1].addr);
	want_default_cable(&l, &w, &pool);
	same(&l, "R11 R14 R15: the host's own cable");
	want_default_firewall(&l, &w);
	same(&l, "L21 R11: its tables");
	want_default_rules(&l, &w, &marks);
	same(&l, "R11 R14 R15 R17: what leads into it");
	w.strict = 1;
	want_default_rules(&l, &w, &marks);
	same(&l, "L22: strict, only private networks are the LAN's");
	w.has_ip6 = 0;
	want_default_cable(&l, &w, &pool);
	same(&l, "R14: the cable of a VPN without IPv6 is closed to it");
}

int main(void)
{
	tap_begin();
	test_netns();
	test_bridge();
	test_default();
	return tap_done();
}
