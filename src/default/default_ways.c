/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host reaches by a route of its own, which a default of a VPN does not change: the
 * firewall cannot ask the main table, so it is told. Private addresses need no telling. Reads only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "nl/route.h"
#include "default/default_part.h"

#define WAYS_MAX 4096

struct way {
	uint32_t net; /* in the host's byte order */
	uint8_t plen;
	int oif;
};

struct ways {
	struct way *at;
	size_t n;
	bool full;
};

static uint32_t mask_of(uint8_t plen)
{
	return plen ? UINT32_MAX << (32 - plen) : 0;
}

static bool contains(const struct way *a, const struct way *b)
{
	return a->oif == b->oif && a->plen <= b->plen && (b->net & mask_of(a->plen)) == a->net;
}

/* These are as in the chain "astray" of policy/default.nft. */
static bool is_private(const struct way *w)
{
	static const struct way nets[] = {
		{0x0a000000, 8, 0},  {0x64400000, 10, 0}, {0xac100000, 12, 0},
		{0xc0a80000, 16, 0}, {0xa9fe0000, 16, 0}, {0xe0000000, 4, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(nets); i++)
		if (nets[i].plen <= w->plen && (w->net & mask_of(nets[i].plen)) == nets[i].net)
			return true;
	return false;
}

/* The set takes no two that overlap. */
static int add_way(int family, const void *dst, uint8_t plen, int oif, void *arg)
{
	struct ways *ws = arg;
	struct way w = {.plen = plen, .oif = oif}, *more;
	size_t kept = 0;

	(void)family;
	memcpy(&w.net, dst, sizeof(w.net));
	w.net = ntohl(w.net) & mask_of(plen);
	if (!oif || is_private(&w))
		return 0;
	for (size_t i = 0; i < ws->n; i++)
		if (contains(&ws->at[i], &w))
			return 0;
	for (size_t i = 0; i < ws->n; i++)
		if (!contains(&w, &ws->at[i]))
			ws->at[kept++] = ws->at[i];
	ws->n = kept;
	ws->full = ws->n == WAYS_MAX;
	more = ws->full ? NULL : reallocarray(ws->at, ws->n + 1, sizeof(*more));
	if (!more)
		return -ENOBUFS;
	ws->at = more;
	ws->at[ws->n++] = w;
	return 0;
}

static int by_net(const void *a, const void *b)
{
	const struct way *x = a, *y = b;

	if (x->oif != y->oif)
		return x->oif < y->oif ? -1 : 1;
	if (x->net != y->net)
		return x->net < y->net ? -1 : 1;
	return (int)x->plen - (int)y->plen;
}

static void begin_ways(void *arg)
{
	((struct ways *)arg)->n = 0;
}

static int read_ways(struct ways *ret, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	const struct rtnl_route_walk walk = {begin_ways, add_way, ret};
	int r = nl_sock_open(&s, NETLINK_ROUTE, e);

	if (r < 0)
		return r;
	r = rtnl_route_for_each(&s, AF_INET, &walk, e);
	if (ret->full)
		return err_set(e, -E2BIG,
			       "the main table has more than %d routes to public addresses",
			       WAYS_MAX);
	if (r < 0)
		return err_wrap(e, r, "cannot list the host's routes");
	if (ret->n)
		qsort(ret->at, ret->n, sizeof(*ret->at), by_net);
	return 0;
}

static void put_ways(FILE *f, const struct default_way *w, const struct ways *ws)
{
	char dev[IF_NAMESIZE], net[INET_ADDRSTRLEN];

	for (size_t i = 0; i < ws->n; i++) {
		struct in_addr a = {.s_addr = htonl(ws->at[i].net)};

		/* Whatever a name may hold, it must not end the quotes that it is put in. */
		if (!if_indextoname((unsigned int)ws->at[i].oif, dev) || strpbrk(dev, "\"\\\n"))
			continue;
		fprintf(f, "add element inet vpnrun-default-%s ways4 { \"%s\" . %s/%u }\n", w->name,
			dev, inet_ntop(AF_INET, &a, net, sizeof(net)), ws->at[i].plen);
	}
}

int default_ways_read(const struct default_way *w, char **ret_text, uint64_t *ret_digest,
		      struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct ways ws = {0};
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int r;

	if (!f)
		return err_sys(e, -errno, "cannot list the host's routes");
	r = read_ways(&ws, e);
	if (r == 0)
		put_ways(f, w, &ws);
	free(ws.at);
	if (fclose(f) != 0)
		return err_set(e, -ENOMEM, "cannot list the host's routes: no memory");
	if (r < 0)
		return r;
	*ret_digest = digest_bytes(DIGEST_INIT, text, strlen(text));
	if (ret_text) {
		*ret_text = text;
		text = NULL;
	}
	return 0;
}
