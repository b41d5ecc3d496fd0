/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Judges the connections that the kernel tracks. Their translation is decided once, by the first
 * packet: after a change of address or way, a flow that goes on would carry the old source into the
 * new way. Must never forget a connection that is none of the VPN's. Called by up/apply and
 * up/bridge.
 */
#include "wall/flows.h"

#include <arpa/inet.h>
#include <string.h>

#include "nf/ct.h"
#include "nl/link.h"
#include "ns/netns.h"
#include "conf/plan.h"
#include "conf/value.h"
#include "state/zone.h"
#include "want/lan.h"

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

/* What "allow_lan" does not name any more, it does not carry either. */
static bool is_by_cable(const struct profile *p, const struct ct_flow *f)
{
	struct ipaddr dst = make_addr(f->family, f->dst);
	struct lan_cable c;

	lan_cable_of(p->name, p->id, &c);
	return is_in(p->allow_lan, p->n_allow_lan, &dst) &&
	       memcmp(f->answers_to,
		      f->family == AF_INET ? (const void *)&c.inner4 : (const void *)&c.inner6,
		      f->family == AF_INET ? 4 : 16) == 0;
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
	/* In a namespace of its own a program of --lan goes by the cable, and any other by the
	 * tunnel.
	 */
	if (g->p->layout == LAYOUT_NETNS)
		return !has_tunnels && !is_by_cable(g->p, f);
	/* An accident left the one of the address itself, which nothing translates any more. */
	if (is_in(g->p->allow_lan, g->p->n_allow_lan, &dst))
		return has_tunnels || ipaddr_contains(own, &back);
	return !has_tunnels;
}

/* What came in by an open port was meant for the tunnel's address: it is the answers that come from
 * one of the VPN's own. */
static bool is_own(const struct ct_flow *f, void *arg)
{
	const uint8_t *const ends[] = {f->src, f->dst, f->answers_from};
	const struct grounds *g = arg;
	const struct ipaddr *own = f->family == AF_INET ? &g->own4 : &g->own6;

	if (f->family != AF_INET && f->family != AF_INET6)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct ipaddr a = make_addr(f->family, ends[i]);

		if (ipaddr_contains(own, &a))
			return true;
	}
	return false;
}

static int forget(int ns_fd, const struct ct_judge *judge, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	int r = ns_nl_open(&s, ns_fd, NETLINK_NETFILTER, e);

	return r < 0 ? r : ct_delete_if(&s, judge, e);
}

int flows_forget_stale(const struct profile *p, int ns_fd, struct err *e)
{
	struct lease_pool pool = plan_pool(p);
	struct grounds g = {.p = p};

	set_grounds(&g, &pool);
	return forget(ns_fd, &(struct ct_judge){is_stale, NULL, &g}, e);
}

int flows_forget(const struct record *r, int ns_fd, struct err *e)
{
	struct lease_pool pool = record_pool(r);
	struct grounds g = {0};

	set_grounds(&g, &pool);
	return forget(ns_fd, &(struct ct_judge){is_own, NULL, &g}, e);
}

/* --- of who has gone ----------------------------------------------------------------------- */

struct living {
	struct grounds g;
	struct lease_pool pool;
	const uint8_t *gone; /* by host number, those whose cable has ended since the last time */
	int ns_fd;
	int index[FLOWS_HOSTS]; /* of the port, 0: there is none */
	bool is_open[FLOWS_HOSTS];
};

static int look_who_lives(void *arg, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	struct living *l = arg;
	size_t n = 0;
	int r = ns_nl_open(&s, l->ns_fd, NETLINK_ROUTE, e);

	if (r == 0)
		r = rtnl_link_list(&s, RTNL_HERE, &links, &n, e);
	if (r < 0)
		return r;
	memset(l->index, 0, sizeof(l->index));
	memset(l->is_open, 0, sizeof(l->is_open));
	for (size_t i = 0; i < n; i++) {
		uint32_t h = lease_from_port(&l->pool, links[i].name);

		if (!h || h >= FLOWS_HOSTS)
			continue;
		l->index[h] = links[i].ifindex;
		l->is_open[h] = links[i].alias[0];
	}
	return 0;
}

/* 0: of nobody who could have a cable. */
static uint32_t find_host(const struct living *l, int family, const uint8_t bytes[16])
{
	struct ipaddr a = make_addr(family, bytes);
	uint32_t h;

	if (!ipaddr_contains(family == AF_INET ? &l->g.own4 : &l->g.own6, &a))
		return 0;
	if (family == AF_INET) {
		h = ntohl(a.v4.s_addr) - ntohl(l->pool.subnet4.s_addr);
	} else {
		struct in6_addr full;

		h = (uint32_t)bytes[14] << 8 | bytes[15];
		full = lease_ip6(&l->pool, h);
		if (memcmp(&full, bytes, sizeof(full)) != 0)
			return 0;
	}
	return h < 2 || h > lease_max(&l->pool) ? 0 : h;
}

/* What is in no zone is a client's of the bridge, or came in by an open port. */
static bool is_of_the_gone(const struct ct_flow *f, void *arg)
{
	const struct living *l = arg;
	uint32_t h;

	if (f->family != AF_INET && f->family != AF_INET6)
		return false;
	if (f->zone) {
		h = find_host(l, f->family, f->src);
		return h && (!l->index[h] || zone_of_port(l->index[h]) != f->zone);
	}
	h = find_host(l, f->family, f->answers_from);
	return h && l->gone[h] && !l->is_open[h] && memcmp(f->dst, f->answers_from, 16) != 0;
}

int flows_forget_gone(const struct record *r, int ns_fd, const uint8_t gone[FLOWS_HOSTS],
		      struct err *e)
{
	struct living l = {.pool = record_pool(r), .gone = gone, .ns_fd = ns_fd};
	int rc;

	set_grounds(&l.g, &l.pool);
	rc = look_who_lives(&l, e);
	return rc < 0 ? rc
		      : forget(ns_fd, &(struct ct_judge){is_of_the_gone, look_who_lives, &l}, e);
}

struct lessee {
	struct in_addr a4;
	struct in6_addr a6;
};

static bool came_in(const struct ct_flow *f, void *arg)
{
	const struct lessee *l = arg;
	size_t len = f->family == AF_INET ? sizeof(l->a4) : sizeof(l->a6);
	const void *a = f->family == AF_INET ? (const void *)&l->a4 : (const void *)&l->a6;

	return (f->family == AF_INET || f->family == AF_INET6) && !f->zone &&
	       memcmp(f->answers_from, a, len) == 0 && memcmp(f->dst, a, len) != 0;
}

int flows_forget_inbound(const struct record *r, int ns_fd, uint32_t host, struct err *e)
{
	struct lease_pool pool = record_pool(r);
	struct lessee l = {lease_ip4(&pool, host), lease_ip6(&pool, host)};

	return forget(ns_fd, &(struct ct_judge){came_in, NULL, &l}, e);
}

/* --- how many --------------------------------------------------------------------------------- */

#define TRACKED_MAX "/proc/sys/net/netfilter/nf_conntrack_max"
#define SHARE_MIN   64	 /* less is no use to anybody */
#define SHARE_MAX   4096 /* more only makes it long to count them */

static bool is_never(const struct ct_flow *f, void *arg)
{
	(void)f;
	(void)arg;
	return false;
}

static bool read_tracked_max(uint64_t *ret)
{
	AUTO_FREE char *text = NULL;

	if (file_read(TRACKED_MAX, 64, &text, NULL, NULL) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return str_uint(text, 0, UINT32_MAX, ret) == 0;
}

uint32_t flows_per_lease(const struct lease_pool *pool)
{
	uint64_t all = 65536; /* what a small machine has */
	uint64_t share;

	if (!read_tracked_max(&all)) {
		AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;

		/* There is no such file before the module is there, which this asks for. */
		if (nl_sock_open(&s, NETLINK_NETFILTER, NULL) == 0)
			ct_delete_if(&s, &(struct ct_judge){.is_over = is_never}, NULL);
		read_tracked_max(&all);
	}
	share = all / (lease_max(pool) - 1);
	if (all == 0 || share > SHARE_MAX) /* 0: without end */
		return SHARE_MAX;
	return share < SHARE_MIN ? SHARE_MIN : (uint32_t)share;
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
	return r < 0 ? r : ct_delete_if(&s, &(struct ct_judge){is_given, NULL, &w}, e);
}
