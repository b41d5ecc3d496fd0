/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making an object as it has to be, one row a kind. Each may be made over what is there. Called by
 * ensure/ensure.
 */
#include "ensure/kinds.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "ns/netns.h"
#include "state/record.h"
#include "nf/nft.h"
#include "nl/addr.h"
#include "nl/link.h"
#include "nl/route.h"

#define SYSCTL_DIR "/proc/sys/net/"

typedef int (*make_fn)(const struct want *w, struct net_seen *s, struct err *e);

/* The kernel's WireGuard switches redirects off for the whole machine when its device comes up. */
static int set_up(struct nl_sock *s, const char *name, struct err *e)
{
	static const char path[] = SYSCTL_DIR "ipv4/conf/all/send_redirects";
	AUTO_FREE char *before = NULL, *after = NULL;
	int r = file_read(path, 64, &before, NULL, e);

	if (r == 0)
		r = rtnl_link_set_up(s, name, true, e);
	if (r == 0)
		r = file_read(path, 64, &after, NULL, e);
	if (r == 0 && strcmp(before, after) != 0)
		r = file_write_existing(path, before, e);
	return r;
}

static int mend_link(const struct want_link *k, const struct rtnl_link *l, struct net_seen *s,
		     struct err *e)
{
	bool is_bridge = !strcmp(k->kind, "bridge");
	int r = 0;

	if (k->kind[0] && strcmp(l->kind, k->kind) != 0)
		return err_set(e, -EEXIST, "%s is there already and is not a %s", k->name, k->kind);
	if (is_bridge && !l->is_quiet)
		r = rtnl_link_set_quiet(&s->rt, k->name, e);
	if (r == 0 && k->has_mac && memcmp(l->mac, k->mac, sizeof(k->mac)) != 0)
		r = rtnl_link_set_mac(&s->rt, k->name, k->mac, e);
	if (r == 0 && k->mtu && l->mtu != k->mtu)
		r = rtnl_link_set_mtu(&s->rt, k->name, k->mtu, e);
	if (r == 0 && k->up && !(l->flags & IFF_UP))
		r = set_up(&s->rt, k->name, e);
	return r;
}

static int link_make(const struct want *w, struct net_seen *s, struct err *e)
{
	const struct want_link *k = &w->link;
	const struct rtnl_link *l = seen_link(s, k->name);
	int r;

	if (l)
		r = mend_link(k, l, s, e);
	else if (!strcmp(k->kind, "bridge"))
		r = rtnl_link_add_bridge(&s->rt, k->name, k->mac, k->mtu, e);
	else
		r = err_set(e, -ENODEV, "there is no device %s", k->name);
	/* Addresses and routes come and go with what was done. */
	return r < 0 ? r : seen_again(s, e);
}

static int find_device(const struct net_seen *s, const char *name, int *ret, struct err *e)
{
	const struct rtnl_link *l = seen_link(s, name);

	if (!l)
		return err_set(e, -ENODEV, "there is no device %s", name);
	*ret = l->ifindex;
	return 0;
}

static int add_addr(const struct want_addr *a, int ifindex, struct net_seen *s, struct err *e)
{
	struct nl_msg m;

	nl_msg_init(&m);
	rtnl_put_addr(&m, ifindex,
		      &(struct rtnl_addr){a->family, a->addr, a->plen, a->no_prefix_route});
	return nl_call(&s->rt, &m, e);
}

/* The device is ours, and the address with it: IPv6 has one once a device, whatever the prefix, and
 * IPv4's other prefix would lead more into the device than belongs there. */
static int remove_other_prefixes(const struct want_addr *a, int ifindex, struct net_seen *s,
				 bool *ret_any, struct err *e)
{
	int r = 0;

	*ret_any = false;
	for (size_t i = 0; r == 0 && i < s->n_addrs; i++) {
		const struct nl_addr *x = &s->addrs[i];

		if (x->ifindex != ifindex || x->family != a->family || x->plen == a->plen ||
		    memcmp(x->addr, a->addr, sizeof(x->addr)) != 0)
			continue;
		*ret_any = true;
		r = rtnl_addr_delete(&s->rt, ifindex,
				     &(struct rtnl_addr){a->family, a->addr, x->plen, false}, e);
	}
	return r;
}

static int addr_make(const struct want *w, struct net_seen *s, struct err *e)
{
	const struct want_addr *a = &w->addr;
	char name[WANT_TEXT_LEN];
	bool other = false;
	int ifindex = 0, r = find_device(s, a->dev, &ifindex, e);

	r = r ?: remove_other_prefixes(a, ifindex, s, &other, e);
	if (r < 0)
		return r;
	r = add_addr(a, ifindex, s, e);
	if (r < 0 && r != -EEXIST) {
		want_describe(w, name);
		return err_wrap(e, r, "cannot add %s", name);
	}
	/* Routes have gone with the other. */
	return other ? seen_again(s, e) : 0;
}

static int neigh_make(const struct want *w, struct net_seen *s, struct err *e)
{
	const struct want_neigh *n = &w->neigh;
	int ifindex = 0, r = find_device(s, n->dev, &ifindex, e);
	struct nl_msg m;

	nl_msg_init(&m);
	for (uint32_t h = 2; r == 0 && h <= lease_max(&n->pool); h++) {
		struct in_addr a4 = lease_ip4(&n->pool, h);
		struct in6_addr a6 = lease_ip6(&n->pool, h);
		uint8_t mac[6];

		lease_mac(&n->pool, h, mac);
		rtnl_put_neigh(&m, ifindex, n->family,
			       n->family == AF_INET ? (const void *)&a4 : (const void *)&a6, mac);
		if (nl_msg_room(&m) > 256 && h < lease_max(&n->pool))
			continue;
		r = nl_call(&s->rt, &m, e);
		if (r < 0)
			return err_wrap(e, r, "cannot set the bridge's neighbours");
		nl_msg_init(&m);
	}
	return r;
}

static int route_make(const struct want *w, struct net_seen *s, struct err *e)
{
	const struct want_route *x = &w->route;
	struct rtnl_route r = {
		.family = x->family,
		.dst = x->plen ? x->dst : NULL,
		.plen = x->plen,
		.gateway = x->has_gateway ? x->gateway : NULL,
		.onlink = x->has_gateway,
		.metric = x->metric,
		.table = x->table == RT_TABLE_MAIN ? 0 : x->table,
		.unreachable = !x->dev[0],
	};
	int rc = r.unreachable ? 0 : find_device(s, x->dev, &r.oif, e);

	return rc < 0 ? rc : rtnl_route_replace(&s->rt, &r, x->dev, e);
}

static int sysctl_make(const struct want *w, struct net_seen *s, struct err *e)
{
	char path[sizeof(SYSCTL_DIR) + WANT_KEY_LEN];
	int r;

	(void)s;
	snprintf(path, sizeof(path), SYSCTL_DIR "%s", w->sysctl.key);
	if ((w->flags & WANT_IF_KNOWN) && access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = file_write_existing(path, w->sysctl.value, e);
	return w->flags & WANT_IF_CAN ? 0 : r;
}

/* Who makes the list makes it first, as all the rest is in it. */
static int netns_make(const struct want *w, struct net_seen *s, struct err *e)
{
	(void)s;
	return err_set(e, -ENOENT, "there is no network namespace %s", w->netns.name);
}

int kind_make(const struct want *w, struct net_seen *s, struct err *e)
{
	static const make_fn rows[] = {
		[WANT_LINK] = link_make,   [WANT_ADDR] = addr_make,	[WANT_NEIGH] = neigh_make,
		[WANT_ROUTE] = route_make, [WANT_SYSCTL] = sysctl_make, [WANT_NETNS] = netns_make,
	};

	if (w->kind >= ARRAY_SIZE(rows) || !rows[w->kind])
		return err_set(e, -EPROTO, "an object of the kind %u is not known", w->kind);
	return rows[w->kind](w, s, e);
}

/* --- taking away ----------------------------------------------------------------------------- */

static int link_remove(const struct want_link *k, struct net_seen *s, struct err *e)
{
	const struct rtnl_link *l = seen_link(s, k->name);
	int r;

	/* A tunnel's goes with what stands behind it, lo is everybody's, and what has taken the
	 * place of ours meanwhile is somebody else's. */
	if (!k->kind[0] || !l || strcmp(l->kind, k->kind) != 0)
		return 0;
	r = rtnl_link_delete(&s->rt, RTNL_HERE, k->name, e);
	return r == -ENODEV ? 0 : r;
}

static int route_remove(const struct want_route *x, struct net_seen *s, struct err *e)
{
	const struct rtnl_link *l = x->dev[0] ? seen_link(s, x->dev) : NULL;
	const struct rtnl_route r = {
		.family = x->family,
		.dst = x->plen ? x->dst : NULL,
		.plen = x->plen,
		/* Without it the kernel looks for one of another scope. */
		.gateway = x->has_gateway ? x->gateway : NULL,
		.oif = l ? l->ifindex : 0,
		.metric = x->metric,
		.table = x->table == RT_TABLE_MAIN ? 0 : x->table,
		.unreachable = !x->dev[0],
	};

	if (x->dev[0] && !l)
		return 0;
	return rtnl_route_delete(&s->rt, &r, e);
}

static int addr_remove(const struct want_addr *a, struct net_seen *s, struct err *e)
{
	const struct rtnl_link *l = seen_link(s, a->dev);

	return l ? rtnl_addr_delete(&s->rt, l->ifindex,
				    &(struct rtnl_addr){a->family, a->addr, a->plen, false}, e)
		 : 0;
}

static int sysctl_give_back(const struct want_sysctl *k, struct err *e)
{
	char path[sizeof(SYSCTL_DIR) + WANT_KEY_LEN];

	if (!k->before[0])
		return 0;
	snprintf(path, sizeof(path), SYSCTL_DIR "%s", k->key);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0; /* its device has gone, and the setting with it */
	return file_write_existing(path, k->before, e);
}

/* A kernel that has no such tables has none of ours. */
static int table_remove(const struct want *w, struct net_seen *s, struct err *e)
{
	int r = nft_table_delete(&s->nft, w->nft.family, w->nft.table, e);

	if (w->flags & WANT_IF_KNOWN && (r == -EOPNOTSUPP || r == -EAFNOSUPPORT))
		return 0;
	return r < 0 ? err_wrap(e, r, "cannot remove the firewall's table %s", w->nft.table) : 0;
}

int kind_remove(const struct want *w, struct net_seen *s, struct err *e)
{
	switch ((enum want_kind)w->kind) {
	case WANT_LINK:
		return link_remove(&w->link, s, e);
	case WANT_ROUTE:
		return route_remove(&w->route, s, e);
	case WANT_RULE:
		return rules_remove(&w->rule, &s->rt, e);
	case WANT_NFT:
		return table_remove(w, s, e);
	case WANT_ADDR:
		return addr_remove(&w->addr, s, e);
	case WANT_SYSCTL:
		return sysctl_give_back(&w->sysctl, e);
	case WANT_NETNS:
		return ns_netns_remove(NETNS_DIR, w->netns.name, e);
	case WANT_NEIGH:
	case WANT_FILE:
	case WANT_ACT:
		return 0;
	}
	return 0;
}
