/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How large a packet the tunnel may carry. Only reads routes and links of the namespace that it is
 * called in, which must be that of the tunnel's socket, and before the tunnel exists.
 */
#include "tunnel/path.h"

#include <arpa/inet.h>

#include "nl/link.h"
#include "nl/route.h"

#define MTU_FALLBACK 1500u
#define MTU_MIN	     576u
#define MTU_MIN_IP6  1280u /* RFC 8200; the kernel takes IPv6 off a device with less */
#define MTU_MAX	     65535u

/* 0: there is no way to dst, or none that says. */
static uint32_t way_mtu(struct nl_sock *s, int family, const void *dst)
{
	const struct rtnl_target to = {family, dst, MARK_BASE};
	struct rtnl_link link;
	struct rtnl_way way;

	if (rtnl_route_get(s, &to, &way, NULL) < 0)
		return 0;
	if (way.mtu)
		return way.mtu;
	return rtnl_link_get_index(s, way.oif, &link, NULL) < 0 ? 0 : link.mtu;
}

int path_read(const struct endpoint_set *es, uint32_t *ret, struct err *e)
{
	/* Documentation ranges: only a default route leads there. */
	const struct in_addr far4 = {.s_addr = htonl(0xc6336401)};
	const struct in6_addr far6 = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8}};
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	uint32_t best = 0;
	int r = nl_sock_open(&s, NETLINK_ROUTE, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < es->n; i++) {
		const union wg_endpoint *ep = &es->at[i];
		uint32_t mtu = 0;

		if (ep->family == AF_INET)
			mtu = way_mtu(&s, AF_INET, &ep->in.sin_addr);
		else if (ep->family == AF_INET6)
			mtu = way_mtu(&s, AF_INET6, &ep->in6.sin6_addr);
		if (mtu > best)
			best = mtu;
	}
	if (!best)
		best = way_mtu(&s, AF_INET, &far4);
	if (!best)
		best = way_mtu(&s, AF_INET6, &far6);
	*ret = best ? best : MTU_FALLBACK;
	return 0;
}

static uint32_t bound(uint32_t v, uint32_t min, uint32_t max)
{
	return v < min ? min : v > max ? max : v;
}

uint32_t path_choose(const struct tunnel *t, uint32_t path, struct err *note)
{
	uint32_t min = tunnel_has_address(t, AF_INET6) ? MTU_MIN_IP6 : MTU_MIN;
	uint32_t fits = path > PATH_OVERHEAD + MTU_MIN ? path - PATH_OVERHEAD : MTU_MIN;
	uint32_t mtu = t->mtu && t->mtu < fits ? t->mtu : fits;

	mtu = bound(mtu, min, MTU_MAX);
	if (fits < min)
		err_set(note, 0,
			"the way to the endpoint carries packets of %u bytes only, and IPv6 in the tunnel"
			" needs %u: the tunnel's own packets will be sent in pieces",
			path, MTU_MIN_IP6 + PATH_OVERHEAD);
	else if (t->mtu && t->mtu > mtu)
		err_set(note, 0,
			"MTU = %u is more than the way to the endpoint carries (%u bytes, of which"
			" WireGuard takes %u): using %u",
			t->mtu, path, PATH_OVERHEAD, mtu);
	else if (t->mtu && t->mtu < mtu)
		err_set(note, 0, "MTU = %u is less than %s needs: using %u", t->mtu,
			min == MTU_MIN_IP6 ? "IPv6" : "IPv4", mtu);
	return mtu;
}

int path_mtu(const struct tunnel *t, const struct endpoint_set *es, uint32_t *ret, struct err *e)
{
	struct err note = ERR_INIT;
	uint32_t path;
	int r = path_read(es, &path, e);

	if (r < 0)
		return r;
	*ret = path_choose(t, path, &note);
	if (e)
		*e = note;
	return 0;
}
