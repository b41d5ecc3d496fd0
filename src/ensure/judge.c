/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether an object is as it has to be, one row a kind. What is not is said in the words of the
 * object; why is nobody's business here. Called by ensure/ensure.
 */
#include "ensure/kinds.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/same.h"
#include "base/util.h"
#include "nf/nft_digest.h"
#include "nl/link.h"
#include "ns/netns.h"
#include "state/record.h"

#define SYSCTL_DIR "/proc/sys/net/"
#define FILE_MAX   (1u << 16)
#define METRIC_IP6 1024 /* what the kernel makes of 0 */

typedef int (*missing_fn)(const struct want *w, struct net_seen *s, char *why, size_t size,
			  struct err *e);

static int say(char *why, size_t size, const char *what)
{
	snprintf(why, size, "%s", what);
	return 1;
}

static int link_missing(const struct want *w, struct net_seen *s, char *why, size_t size,
			struct err *e)
{
	const struct want_link *k = &w->link;
	const struct rtnl_link *l = seen_link(s, k->name);

	(void)e;
	if (!l)
		return say(why, size, "is missing");
	if (k->up && !(l->flags & IFF_UP))
		return say(why, size, "is down");
	if (k->kind[0] && strcmp(l->kind, k->kind) != 0)
		return say(why, size, "is of another kind");
	if (k->has_mac && memcmp(l->mac, k->mac, sizeof(k->mac)) != 0)
		return say(why, size, "has another MAC address");
	if (!strcmp(k->kind, "bridge") && !l->is_quiet)
		return say(why, size, "was given other settings as a bridge");
	if (!k->mtu || l->mtu == k->mtu)
		return 0;
	snprintf(why, size, "has the MTU %u and not %u", l->mtu, k->mtu);
	return 1;
}

static int addr_missing(const struct want *w, struct net_seen *s, char *why, size_t size,
			struct err *e)
{
	const struct want_addr *a = &w->addr;
	const struct rtnl_link *l = seen_link(s, a->dev);

	(void)e;
	for (size_t i = 0; l && i < s->n_addrs; i++) {
		const struct nl_addr *x = &s->addrs[i];

		if (x->ifindex == l->ifindex && x->family == a->family && x->plen == a->plen &&
		    memcmp(x->addr, a->addr, sizeof(x->addr)) == 0)
			return 0;
	}
	return say(why, size, "is missing");
}

/* The host whose permanent neighbour that is, as it should be; 0: nobody's. */
static uint32_t neigh_host(const struct want_neigh *n, const struct nl_neigh *x)
{
	uint32_t h = lease_from_mac(x->mac);
	struct in_addr a4 = lease_ip4(&n->pool, h);
	struct in6_addr a6 = lease_ip6(&n->pool, h);
	uint8_t mac[6];

	lease_mac(&n->pool, h, mac);
	if (h < 2 || h > lease_max(&n->pool) || !(x->state & NUD_PERMANENT) ||
	    memcmp(mac, x->mac, sizeof(mac)) != 0)
		return 0;
	if (n->family == AF_INET)
		return memcmp(x->addr, &a4, sizeof(a4)) == 0 ? h : 0;
	return memcmp(x->addr, &a6, sizeof(a6)) == 0 ? h : 0;
}

static int neigh_missing(const struct want *w, struct net_seen *s, char *why, size_t size,
			 struct err *e)
{
	const struct want_neigh *n = &w->neigh;
	const struct rtnl_link *l = seen_link(s, n->dev);
	AUTO_FREE bool *found = calloc(lease_max(&n->pool) + 1, sizeof(*found));
	struct nl_neighs there = {0};
	int r;

	if (!found)
		return err_sys(e, -ENOMEM, "cannot list the neighbours");
	if (!l)
		return say(why, size, "is missing");
	r = nl_neigh_list(&s->rt, n->family, l->ifindex, &there, e);
	for (size_t i = 0; i < there.n; i++)
		found[neigh_host(n, &there.at[i])] = true;
	free(there.at);
	for (uint32_t h = 2; r == 0 && h <= lease_max(&n->pool); h++) {
		struct in_addr a4 = lease_ip4(&n->pool, h);
		struct in6_addr a6 = lease_ip6(&n->pool, h);
		char text[INET6_ADDRSTRLEN];

		if (found[h])
			continue;
		snprintf(why, size, "(%s) is missing",
			 inet_ntop(n->family,
				   n->family == AF_INET ? (const void *)&a4 : (const void *)&a6,
				   text, sizeof(text)));
		return 1;
	}
	return r;
}

static bool is_route(const struct want_route *r, const struct nl_route *x, int oif)
{
	uint32_t metric = r->family == AF_INET6 && !r->metric ? METRIC_IP6 : r->metric;

	if (x->family != r->family || x->table != r->table || x->plen != r->plen ||
	    x->metric != metric || memcmp(x->dst, r->dst, sizeof(x->dst)) != 0)
		return false;
	/* IPv6 names lo as the device of what is unreachable. */
	if (!r->dev[0])
		return x->type == RTN_UNREACHABLE;
	return x->type == RTN_UNICAST && x->oif == oif &&
	       memcmp(x->gateway, r->gateway, sizeof(x->gateway)) == 0;
}

static int route_missing(const struct want *w, struct net_seen *s, char *why, size_t size,
			 struct err *e)
{
	const struct want_route *r = &w->route;
	const struct rtnl_link *l = r->dev[0] ? seen_link(s, r->dev) : NULL;

	(void)e;
	for (size_t i = 0; (l || !r->dev[0]) && i < s->n_routes; i++)
		if (is_route(r, &s->routes[i], l ? l->ifindex : 0))
			return 0;
	return say(why, size, "is missing");
}

static int sysctl_missing(const struct want *w, struct net_seen *s, char *why, size_t size,
			  struct err *e)
{
	char path[sizeof(SYSCTL_DIR) + WANT_KEY_LEN];
	AUTO_FREE char *text = NULL;

	(void)s;
	(void)e;
	snprintf(path, sizeof(path), SYSCTL_DIR "%s", w->sysctl.key);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return w->flags & WANT_IF_KNOWN ? 0 : say(why, size, "is not there to be set");
	if (file_read(path, 4096, &text, NULL, NULL) < 0)
		return say(why, size, "cannot be read");
	text[strcspn(text, "\n")] = '\0';
	if (!strcmp(text, w->sysctl.value))
		return 0;
	snprintf(why, size, "is %.20s", text);
	return 1;
}

static int nft_missing(const struct want *w, struct net_seen *s, char *why, size_t size,
		       struct err *e)
{
	uint64_t digest = 0;
	int r = nft_table_digest(&s->nft, w->nft.family, w->nft.table, &digest, e);

	if (r == -ENOENT)
		return w->flags & WANT_IF_KNOWN ? 0 : say(why, size, "is missing");
	if (r < 0)
		return r;
	return w->nft.digest && digest != w->nft.digest ? say(why, size, "was altered") : 0;
}

static int file_missing(const struct want *w, struct net_seen *s, char *why, size_t size,
			struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;

	(void)s;
	(void)e;
	if (file_is_there(w->file.path, NULL) == 0)
		return say(why, size, "is missing");
	if (file_read(w->file.path, FILE_MAX, &text, &len, NULL) < 0)
		return say(why, size, "cannot be read");
	return digest_bytes(DIGEST_INIT, text, len) == w->file.digest
		       ? 0
		       : say(why, size, "was altered");
}

static int netns_missing(const struct want *w, struct net_seen *s, char *why, size_t size,
			 struct err *e)
{
	const struct want_netns *n = &w->netns;
	AUTO_CLOSE int fd = ns_netns_open(NETNS_DIR, n->name, NULL);
	struct stat st;

	(void)s;
	(void)e;
	if (fd < 0 || fstat(fd, &st) < 0)
		return say(why, size, "is missing");
	return !n->ino || same_numbers(&st, n->dev, n->ino) ? 0 : say(why, size, "is another");
}

/* What it leaves behind is in the list as well. */
static int act_missing(const struct want *w, struct net_seen *s, char *why, size_t size,
		       struct err *e)
{
	(void)w;
	(void)s;
	(void)why;
	(void)size;
	(void)e;
	return 0;
}

int kind_missing(const struct want *w, struct net_seen *s, char *why, size_t size, struct err *e)
{
	static const missing_fn rows[] = {
		[WANT_LINK] = link_missing,	[WANT_ADDR] = addr_missing,
		[WANT_NEIGH] = neigh_missing,	[WANT_ROUTE] = route_missing,
		[WANT_SYSCTL] = sysctl_missing, [WANT_NFT] = nft_missing,
		[WANT_FILE] = file_missing,	[WANT_ACT] = act_missing,
		[WANT_NETNS] = netns_missing,
	};

	if (w->kind >= ARRAY_SIZE(rows) || !rows[w->kind])
		return err_set(e, -EPROTO, "an object of the kind %u is not known", w->kind);
	return rows[w->kind](w, s, why, size, e);
}
