/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Works out what a profile becomes in the record and in /etc/netns, and whether the host's own
 * routes are in its way. Touches nothing.
 */
#include "up/uplink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "ensure/applied.h"
#include "ensure/made.h"
#include "nl/route.h"
#include "tunnel/way.h"
#include "want/want.h"
#include "conf/value.h"

struct uplink_check {
	const struct profile *p;
	const struct ipaddr *subnet; /* of "subnets"; NULL: the sandboxes' own */
	struct ipaddr found;
	int oif;
	int own; /* interface index, 0: none */
};

/* Routes as wide as that are not a network of the host's: a half of all there is, by another VPN.
 */
static const struct ipaddr *overlapping_subnet(const struct profile *p, const struct ipaddr *a)
{
	for (size_t i = 0; i < p->n_subnets && a->plen >= 8; i++)
		if (ipaddr_overlaps(&p->subnets[i], a))
			return &p->subnets[i];
	return NULL;
}

static int check_route(int family, const void *dst, uint8_t plen, int oif, void *arg)
{
	struct uplink_check *c = arg;
	struct ipaddr a = {.family = family, .plen = plen};
	char dev[IF_NAMESIZE];

	/* It is the VPN's own, from the last time; a stranger's of that name is refused later. */
	if (oif == c->own || (c->p->layout == LAYOUT_BRIDGE &&
			      if_indextoname((unsigned int)oif, dev) && !strcmp(dev, c->p->bridge)))
		return 0;
	memcpy(&a.v4, dst, family == AF_INET ? sizeof(a.v4) : sizeof(a.v6));
	c->subnet = overlapping_subnet(c->p, &a);
	if (!c->subnet && !plan_is_claim(c->p, &a))
		return 0;
	c->found = a;
	c->oif = oif;
	return -EADDRINUSE;
}

int plan_check_uplink(const struct profile *p, int own, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct uplink_check c = {.p = p, .own = own};
	const struct rtnl_route_walk walk = {.fn = check_route, .arg = &c};
	char net[INET_ADDRSTRLEN], found[INET6_ADDRSTRLEN], dev[IF_NAMESIZE];
	int r;

	r = nl_sock_open(&s, NETLINK_ROUTE, e);
	if (r < 0)
		return r;
	for (int i = 0; i < 2; i++) {
		r = rtnl_route_for_each(&s, i ? AF_INET6 : AF_INET, &walk, NULL);
		if (r == -EADDRINUSE)
			break;
	}
	if (r != -EADDRINUSE)
		return 0; /* a list that changed while read is no reason to stop */
	if (!if_indextoname((unsigned int)c.oif, dev))
		snprintf(dev, sizeof(dev), "?");
	inet_ntop(c.found.family, &c.found.v4, found, sizeof(found));
	if (c.subnet)
		return err_set(e, -EADDRINUSE,
			       "VPN '%s': the host's own route %s/%u dev %s overlaps %s of "
			       "\"subnets\" and would be cut off; take that out of "
			       "/etc/vpnrun/%s.json, or list what the VPN has of it",
			       p->name, found, c.found.plen, dev, c.subnet->text, p->name);
	if (c.found.family == AF_INET6)
		return err_set(
			e, -EADDRINUSE,
			"VPN '%s': the host's own route %s/%u dev %s overlaps the sandboxes' subnet "
			"fd76:706e:7275:%x::/64; set another \"id\" in /etc/vpnrun/%s.json",
			p->name, found, c.found.plen, dev, (unsigned int)p->id, p->name);
	inet_ntop(AF_INET, &p->subnet4, net, sizeof(net));
	return err_set(e, -EADDRINUSE,
		       "VPN '%s': the host's own route %s/%u dev %s overlaps the sandboxes' subnet "
		       "%s/%u; set another \"subnet\" in /etc/vpnrun/%s.json",
		       p->name, found, c.found.plen, dev, net, p->subnet4_plen, p->name);
}

/* --- the way out of a VPN with "device" ------------------------------------------------------- */

static bool is_in(const struct want_list *l, const struct want *w)
{
	for (size_t i = 0; i < l->n; i++)
		if (memcmp(&l->at[i], w, sizeof(*w)) == 0)
			return true;
	return false;
}

static bool is_way(const struct want *w, const struct record *r)
{
	return w->kind == WANT_RULE || (w->kind == WANT_ROUTE && w->route.table == r->id);
}

/* Whether a has a way that b has not. */
static bool has_other(const struct want_list *a, const struct want_list *b, const struct record *r)
{
	for (size_t i = 0; i < a->n; i++)
		if (is_way(&a->at[i], r) && !is_in(b, &a->at[i]))
			return true;
	return false;
}

/* What would be made now is compared with what was made: the rules lead to the name servers, too.
 */
bool uplink_is_stale(const struct record *r)
{
	AUTO_WANT_LIST struct want_list made = {0}, now = {0};
	struct profile p = {0};
	bool stale = false;

	if (!(r->flags & RECORD_DEVICE) || r->state != RECORD_UP)
		return false;
	if (applied_load(r->name, &p, NULL) >= 0 && p.way && way_find(&p, NULL) == 0 &&
	    made_read(r->name, &made, NULL) == 0) {
		want_bridge_table(&now, &p);
		want_bridge_rules(&now, &p);
		want_tunnel(&now, &p);
		stale = strcmp(p.way->dev, record_way(r)) != 0 || has_other(&now, &made, r) ||
			has_other(&made, &now, r);
	}
	profile_free(&p);
	return stale;
}
