/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Judges the connections that the kernel tracks. Their translation is decided once, by the first
 * packet: after a change of address or way, a flow that goes on would carry the old source into the
 * new way. Must never forget a connection that is none of the VPN's. Called by vpn/apply and
 * vpn/bridge.
 */
#include "vpn/flows.h"

#include <string.h>

#include "nl/ct.h"
#include "ns/netns.h"
#include "vpn/plan.h"
#include "vpn/value.h"

struct grounds {
	const struct profile *p;
	struct ipaddr own4, own6; /* what the sandboxes and clients have */
};

static void set_grounds(struct grounds *g, const struct lease_pool *pool)
{
	g->own4 = (struct ipaddr){.family = AF_INET, .v4 = pool->subnet4, .plen = pool->plen};
	g->own6 = (struct ipaddr){.family = AF_INET6, .v6 = lease_ip6(pool, 0), .plen = 64};
}

static struct ipaddr make_addr(int family, const uint8_t bytes[16])
{
	struct ipaddr a = {.family = family, .plen = family == AF_INET ? 32 : 128};

	memcpy(&a.v4, bytes, family == AF_INET ? 4 : 16);
	return a;
}

static bool is_in(const struct ipaddr *nets, size_t n, const struct ipaddr *a)
{
	for (size_t i = 0; i < n; i++)
		if (nets[i].family == a->family && ipaddr_contains(&nets[i], a))
			return true;
	return false;
}

static bool is_stale(const struct ct_flow *f, void *arg)
{
	const struct grounds *g = arg;
	const struct ipaddr *own = f->family == AF_INET ? &g->own4 : &g->own6;
	const struct ipaddr *source = plan_source(g->p, f->family);
	struct ipaddr src, dst, back;
	bool has_tunnels;

	if (f->family != AF_INET && f->family != AF_INET6)
		return false;
	src = make_addr(f->family, f->src);
	dst = make_addr(f->family, f->dst);
	back = make_addr(f->family, f->answers_to);
	has_tunnels =
		source && memcmp(&source->v4, f->answers_to, f->family == AF_INET ? 4 : 16) == 0;
	if (!ipaddr_contains(own, &src))
		return is_in(g->p->subnets, g->p->n_subnets, &dst) && !has_tunnels;
	if (ipaddr_contains(own, &dst))
		return false;
	/* One of the address itself is what an accident left, which nothing translates any more. */
	if (is_in(g->p->allow_lan, g->p->n_allow_lan, &dst))
		return has_tunnels || ipaddr_contains(own, &back);
	return !has_tunnels;
}

static bool is_own(const struct ct_flow *f, void *arg)
{
	const struct grounds *g = arg;
	struct ipaddr src = make_addr(f->family, f->src), dst = make_addr(f->family, f->dst);
	const struct ipaddr *own = f->family == AF_INET ? &g->own4 : &g->own6;

	return (f->family == AF_INET || f->family == AF_INET6) &&
	       (ipaddr_contains(own, &src) || ipaddr_contains(own, &dst));
}

static int forget(int ns_fd, bool (*is_over)(const struct ct_flow *f, void *arg), struct grounds *g,
		  struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	int r = ns_nl_open(&s, ns_fd, NETLINK_NETFILTER, e);

	return r < 0 ? r : ct_delete_if(&s, is_over, g, e);
}

int flows_forget_stale(const struct profile *p, int ns_fd, struct err *e)
{
	struct lease_pool pool = plan_pool(p);
	struct grounds g = {.p = p};

	set_grounds(&g, &pool);
	return forget(ns_fd, is_stale, &g, e);
}

int flows_forget(const struct record *r, int ns_fd, struct err *e)
{
	struct lease_pool pool = record_pool(r);
	struct grounds g = {0};

	set_grounds(&g, &pool);
	return forget(ns_fd, is_own, &g, e);
}

struct given {
	struct grounds g;
	bool has_bridge;
	const struct in_addr *a4;
	const struct in6_addr *a6;
};

static bool is_given(const struct ct_flow *f, void *arg)
{
	const struct given *w = arg;
	const void *a = f->family == AF_INET ? (const void *)w->a4 : (const void *)w->a6;
	size_t len = f->family == AF_INET ? 4 : 16;
	struct ipaddr src;

	if ((f->family != AF_INET && f->family != AF_INET6) || !a ||
	    memcmp(f->answers_to, a, len) != 0 || memcmp(f->src, a, len) == 0)
		return false;
	src = make_addr(f->family, f->src);
	return !w->has_bridge ||
	       !ipaddr_contains(f->family == AF_INET ? &w->g.own4 : &w->g.own6, &src);
}

int flows_forget_given(const struct in_addr *a4, const struct in6_addr *a6,
		       const struct lease_pool *bridge, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct given w = {.has_bridge = bridge != NULL, .a4 = a4, .a6 = a6};
	int r = nl_sock_open(&s, NETLINK_NETFILTER, e);

	if (bridge)
		set_grounds(&w.g, bridge);
	return r < 0 ? r : ct_delete_if(&s, is_given, &w, e);
}
