/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See way.h. The main table is read itself, and not asked: what a rule of the machine's default
 * says does not count. Called by up/apply, `vpnctl plan` and the keeper.
 */
#include "tunnel/way.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "nl/addr.h"
#include "nl/link.h"
#include "nl/route.h"
#include "state/record.h"
#include "tunnel/uplink_dns.h"

#define DNS_MAX 8

static const int families[] = {AF_INET, AF_INET6};

static int is_device_of(const struct record *r, void *arg)
{
	const char *dev = arg;

	return !strcmp(r->bridge, dev) || (!(r->flags & RECORD_DEVICE) && !strcmp(r->name, dev));
}

/* Two that lead into each other would lead nowhere, or around what the other keeps in. */
static int check_device(const struct profile *p, const struct rtnl_link *l, struct err *e)
{
	char dev[IF_NAMESIZE];
	int is;

	memcpy(dev, l->name, sizeof(dev));
	is = record_for_each(is_device_of, dev, e);
	if (is < 0)
		return is;
	if (!is && !(l->flags & IFF_LOOPBACK) && !rtnl_link_is_port(l) &&
	    strcmp(dev, p->bridge) != 0)
		return 0;
	return err_set(
		e, -EINVAL,
		"%s is a device of this machine's own or of a VPN of vpnrun's: \"device\" is "
		"for one that something else makes",
		dev);
}

static void take_route(struct profile_way *w, int i, const struct rtnl_default *d)
{
	w->of[i].is_open = true;
	w->of[i].has_gateway = d->has_gateway;
	memcpy(w->of[i].gateway, d->gateway, sizeof(d->gateway));
}

static int refuse_via(const struct profile *p, const struct rtnl_link *l, struct err *e)
{
	return err_set(
		e, -EOPNOTSUPP,
		"the IPv4 default route by %s is to an IPv6 gateway (via inet6), which VPN '%s' "
		"cannot take: give %s an IPv4 gateway, or set another \"device\" in "
		"/etc/vpnrun/%s.json",
		l->name, p->name, l->name, p->name);
}

/* The uplink is that of IPv4, unless there is none. */
static int find_routes(struct nl_sock *s, const struct profile *p, struct rtnl_link *link,
		       struct err *e)
{
	bool any = !strcmp(p->device, DEVICE_UPLINK);
	struct profile_way *w = p->way;
	int is = any ? 1 : rtnl_link_find(s, p->device, 0, link, e), r = 0;

	/* One that is not there, or goes meanwhile, is no way. */
	for (int i = 0; r == 0 && is > 0 && i < 2; i++) {
		struct rtnl_default d = {.oif = link->ifindex};

		r = rtnl_default_find(s, families[i], &d, e);
		if (r < 0 || !d.oif)
			continue;
		is = link->ifindex ? 1 : rtnl_link_find(s, NULL, d.oif, link, e);
		if (is <= 0)
			break;
		if (d.is_via)
			return refuse_via(p, link, e);
		take_route(w, i, &d);
	}
	/* Where there are but two ends, no gateway is needed. */
	if (r == 0 && is > 0 && !any && (link->flags & IFF_POINTOPOINT))
		w->of[0].is_open = true;
	return is < 0 ? is : r;
}

/* The file's own, or the uplink's: those that the machine asks, or asked before a default. */
static int find_servers(const struct profile *p, struct err *e)
{
	struct record_ip all[DNS_MAX];
	int n = 0;

	for (size_t i = 0; i < p->tunnel.n_dns && n < DNS_MAX; i++, n++) {
		all[n].family = (uint8_t)p->tunnel.dns[i].family;
		memcpy(all[n].addr, &p->tunnel.dns[i].v4, rtnl_addr_len(all[n].family));
	}
	n = n ?: uplink_dns_servers(all, DNS_MAX, e);
	n = n ?: uplink_dns_parse("/etc/resolv.conf", all, DNS_MAX, e);
	n = n ?: uplink_dns_parse(RESOLVED_UPLINK, all, DNS_MAX, e);
	while (n > 0) {
		int i = all[--n].family == AF_INET6;

		p->way->of[i].has_dns = true;
		memcpy(p->way->of[i].dns, all[n].addr, rtnl_addr_len(all[n].family));
	}
	return n;
}

int way_find(const struct profile *p, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct rtnl_link link = {0};
	int r;

	if (!p->device)
		return 0;
	memset(p->way, 0, sizeof(*p->way));
	p->way->mtu = 1500;
	r = find_servers(p, e);
	r = r ?: nl_sock_open(&s, NETLINK_ROUTE, e);
	r = r ?: find_routes(&s, p, &link, e);
	if (r < 0 || !link.ifindex)
		return r;
	r = check_device(p, &link, e);
	if (r < 0)
		return r;
	memcpy(p->way->dev, link.name, sizeof(link.name));
	p->way->mtu = link.mtu < 1280 ? 1280 : link.mtu > 65535 ? 65535 : link.mtu;
	if (!(link.flags & IFF_UP))
		p->way->of[0].is_open = p->way->of[1].is_open = false;
	return 0;
}
