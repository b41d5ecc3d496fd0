/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the cables of a VPN say of the ports that lead to them: which are taken, and, of a VPN that
 * is closed, what is to be opened when it comes up. Nothing here opens a port: the firewall's sets
 * are made from the cables by `up` and by the keeper. Called by the keeper, by root's launcher and
 * by root's hook.
 */
#include "state/inbound.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/util.h"
#include "nl/link.h"
#include "ns/netns.h"

static bool overlaps(const struct port_map *a, const struct port_map *b)
{
	return a->outer == b->outer && a->proto == b->proto;
}

/* That of the same user may be one that has just ended, and go on its own. */
static int taken_by(const struct rtnl_link *other, const struct rtnl_link *own)
{
	return lease_owner(other->group) == lease_owner(own->group) ? -EBUSY : -EADDRINUSE;
}

static const char *proto_name(const struct port_map *p)
{
	return p->proto == IPPROTO_UDP ? "udp" : "tcp";
}

static int fail_taken(const struct record *r, const struct rtnl_link *other,
		      const struct rtnl_link *own, const struct port_map *p, struct err *e)
{
	int code = taken_by(other, own);

	return p->proto
		       ? err_set(e, code,
				 "port %u/%s of VPN '%s' is open for another sandbox already (%s, "
				 "uid %u)",
				 p->outer, proto_name(p), r->name, other->name,
				 lease_owner(other->group))
		       : err_set(e, code,
				 "the forwarded port of VPN '%s' is another sandbox's already (%s, "
				 "uid %u)",
				 r->name, other->name, lease_owner(other->group));
}

int inbound_check_free(const struct record *r, const struct inbound_cables *c,
		       const struct rtnl_link *own, const struct port_map *p, struct err *e)
{
	for (size_t i = 0; i < c->n; i++) {
		struct port_maps m;

		inbound_unformat(c->at[i].alias, &m);
		for (size_t k = 0; k < m.n; k++)
			if (&c->at[i] != own && overlaps(&m.at[k], p))
				return fail_taken(r, &c->at[i], own, p, e);
	}
	for (int i = 0; i < RECORD_EXPOSE_MAX && r->expose[i].port; i++)
		if (p->outer == r->expose[i].port &&
		    (p->proto == IPPROTO_UDP) == (r->expose[i].udp != 0))
			return err_set(e, -EADDRINUSE,
				       "port %u/%s of VPN '%s' is a service's (\"expose\" in "
				       "/etc/vpnrun/%s.json)",
				       p->outer, proto_name(p), r->name, r->name);
	return 0;
}

/* Writes them on the cable of that lease, for the `up` of a VPN that is closed to open. */
static int note(const struct record *r, uint32_t host, const struct port_maps *maps, struct err *e)
{
	AUTO_CLOSE int ns = record_open_netns(r, e);
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	struct lease_pool pool = record_pool(r);
	const struct rtnl_link *own = NULL;
	struct inbound_cables c = {0};
	char text[INBOUND_TEXT_LEN];
	int rc = ns < 0 ? ns : ns_nl_open(&s, ns, NETLINK_ROUTE, e);

	rc = rc ?: rtnl_link_list(&s, RTNL_HERE, &links, &c.n, e);
	if (rc < 0)
		return rc;
	c.at = links;
	for (size_t i = 0; i < c.n; i++)
		if (lease_from_port(&pool, links[i].name) == host)
			own = &links[i];
	if (!own)
		return err_set(e, -ENODEV, "the container has no cable to VPN '%s' any more",
			       r->name);
	for (uint32_t i = 0; rc == 0 && i < maps->n; i++)
		rc = inbound_check_free(r, &c, own, &maps->at[i], e);
	inbound_format(maps->at, maps->n, text);
	return rc ?: rtnl_link_set_alias(&s, own->name, text, e);
}

int inbound_ask_as_root(const struct record *r, uint32_t host, const struct port_maps *maps,
			struct err *e)
{
	struct record all = *r;
	int rc;

	if (!maps->n)
		return 0;
	all.may_expose[0] = (struct record_range){1, 65535};
	rc = inbound_check(&all, maps->at, maps->n, e);
	if (rc < 0 || r->state == RECORD_UP)
		return rc ?: inbound_ask(r, host, 0, maps, e);
	return note(r, host, maps, e);
}
