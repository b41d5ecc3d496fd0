/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets the host itself enter a VPN. Of the bridge layout the table of the VPN's id leads there
 * already. Of the netns layout the host gets a cable as every sandbox does, with a lease as its
 * name, and the table: the cable's default route, and behind it one that says unreachable. Must
 * never touch a device or a table that it did not make.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "nl/diag.h"
#include "nl/link.h"
#include "ns/netns.h"
#include "plug/attach.h"
#include "plug/cable.h"
#include "default/default_part.h"
#include "wall/flows.h"
#include "wall/firewall.h"
#include "up/foreign.h"
#include "wall/open_ports.h"
#include "conf/model.h"
#include "tunnel/supervise.h"

/* *ret is its number, if the host's cable is there and its other end is a port of this very VPN,
 * else 0. One that cannot be asked about is neither: made anew, it would break all flows of the
 * machine. */
static int find_cable(struct nl_sock *s, const struct record *r, const char *dev, uint32_t *ret,
		      struct err *e)
{
	AUTO_NL_SOCK struct nl_sock in = NL_SOCK_INIT;
	AUTO_CLOSE int fd = -1;
	struct lease_pool pool = record_pool(r);
	struct rtnl_link link, port;
	char name[LEASE_IF_LEN];
	uint8_t mac[6];
	uint32_t h;
	int is = record_find_netns(r, &fd, e);

	*ret = 0;
	is = is <= 0 ? is : rtnl_link_find(s, dev, 0, &link, e);
	if (is <= 0)
		return is;
	h = (uint32_t)link.mac[4] << 8 | link.mac[5];
	lease_mac(&pool, h, mac);
	lease_port(&pool, h, name);
	if (h < 2 || memcmp(mac, link.mac, sizeof(mac)) != 0)
		return 0;
	is = ns_nl_open(&in, fd, NETLINK_ROUTE, e) ?: rtnl_link_find(&in, name, 0, &port, e);
	if (is > 0 && port.link == link.ifindex)
		*ret = h;
	return is < 0 ? is : 0;
}

/* Somebody's table or device of that name is not ours to use. */
int default_cable_check(const struct default_way *w, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct lease_pool pool;
	struct rtnl_link link;
	struct record rec;
	int r;

	/* That table is its own, and was looked at when it came up. */
	if (w->layout == LAYOUT_BRIDGE)
		return 0;
	r = nl_sock_open(&s, NETLINK_ROUTE, e);
	if (r < 0)
		return r;
	r = rtnl_link_find(&s, w->dev, 0, &link, e);
	if (r < 0)
		return r;
	if (r > 0)
		return err_set(e, -EEXIST,
			       "this machine has an interface %s already, which is not vpnrun's",
			       w->dev);
	r = record_read(w->name, &rec, e);
	if (r < 0)
		return r;
	pool = record_pool(&rec);
	r = foreign_check_pool(&pool, w->dev, w->dev, e);
	return r < 0 ? r : foreign_check_table(w->id, false, e);
}

static int plug(struct nl_sock *s, const struct record *r, struct default_way *w, struct err *e)
{
	AUTO_CLOSE int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct rtnl_link former;
	int is;

	if (here < 0)
		return err_sys(e, -errno, "cannot open the host's network namespace");
	is = find_cable(s, r, w->dev, &w->host, e);
	if (is < 0 || w->host)
		return is;
	/* It is of a namespace that is no more; of another kind, it is somebody else's. */
	is = rtnl_link_find(s, w->dev, 0, &former, e);
	if (is < 0)
		return is;
	if (is > 0 && !strcmp(former.kind, "veth"))
		rtnl_link_delete(s, RTNL_HERE, w->dev, NULL);
	return attach_as_root(s, r, here, &(struct attach_cable){w->dev, false}, &w->host, e);
}

static void fill_in(const struct record *r, struct default_way *w)
{
	struct lease_pool pool = record_pool(r);

	w->has_ip4 = (r->flags & RECORD_HAS_IP4) != 0;
	w->has_ip6 = cable_has_ip6(r);
	w->addr4 = lease_ip4(&pool, w->host);
	w->addr6 = lease_ip6(&pool, w->host);
}

/* Not a sandbox's: see policy/netns.nft. */
static int mark_cable(const struct record *r, const struct default_way *w, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock in = NL_SOCK_INIT;
	AUTO_CLOSE int fd = record_open_netns(r, e);
	struct lease_pool pool = record_pool(r);
	char port[LEASE_IF_LEN];
	int rc = fd < 0 ? fd : ns_nl_open(&in, fd, NETLINK_ROUTE, e);

	lease_port(&pool, w->host, port);
	if (rc == 0)
		rc = rtnl_link_set_alias(&in, port, OPEN_PORTS_MACHINE, e);
	if (rc == 0)
		rc = firewall_refresh_ports(r, fd, e);
	/* It may have looked at the cables before, for somebody's port, and write after us. */
	supervise_reread_ports(r->name, NULL);
	return rc;
}

int default_cable_plug(struct default_way *w, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct record r;
	int rc = record_read(w->name, &r, e);

	if (rc < 0)
		return rc;
	if (w->layout == LAYOUT_BRIDGE) {
		w->has_ip4 = (r.flags & RECORD_HAS_IP4) != 0;
		w->has_ip6 = (r.flags & RECORD_HAS_IP6) != 0;
		w->addr4 = r.addr4;
		w->addr6 = r.addr6;
		return 0;
	}
	rc = nl_sock_open(&s, NETLINK_ROUTE, e);
	if (rc == 0)
		rc = plug(&s, &r, w, e);
	if (rc == 0)
		rc = mark_cable(&r, w, e);
	if (rc == 0)
		fill_in(&r, w);
	return rc;
}

static int end_of(struct nl_sock *s, int family, const void *addr, struct err *e)
{
	size_t n;
	int r = diag_from(s, &(struct diag_sockets){IPPROTO_TCP, family, addr}, true, &n, e);

	if (r < 0)
		return r;
	return diag_from(s, &(struct diag_sockets){IPPROTO_UDP, family, addr}, true, &n, e);
}

int default_cable_end(const struct want_act *a, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	int r;

	if (!a->dev[0])
		return 0;
	r = nl_sock_open(&s, NETLINK_SOCK_DIAG, e);
	/* No address would mean everybody's sockets. */
	if (r == 0 && a->has_ip4)
		r = end_of(&s, AF_INET, &a->addr4, e);
	if (r == 0 && a->has_ip6)
		r = end_of(&s, AF_INET6, &a->addr6, e);
	return r;
}

int default_cable_forget(const struct want_act *a, struct err *e)
{
	struct lease_pool pool;
	struct record r;
	/* Its bridge's clients have the tunnel's own address, too, and their connections go on. */
	bool is_bridge = !a->dev[0] && record_read(a->vpn, &r, NULL) == 0;

	if (is_bridge)
		pool = record_pool(&r);
	return flows_forget_given(a->has_ip4 ? &a->addr4 : NULL, a->has_ip6 ? &a->addr6 : NULL,
				  is_bridge ? &pool : NULL, e);
}
