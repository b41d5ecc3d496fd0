/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See wire.h. A port is known by its alias, and beyond doubt by its other end: the kernel tells for
 * a veth the namespace and the index of its peer. Must never touch a port that is not the caller's,
 * plug a namespace that is the host's or a VPN's own, or leave half a cable. Called by the CNI and
 * the netavark plugin, as root.
 */
#include "common/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/same.h"
#include "base/util.h"
#include "common/unplug.h"
#include "nl/route.h"
#include "nl/sock.h"
#include "ns/netns.h"
#include "ns/sysctl.h"
#include "plug/attach.h"
#include "plug/cable.h"
#include "plug/cable_alone.h"

/* The container's side: its namespace, and sockets in it. */
struct wire_inside {
	int netns;
	struct nl_sock nl, nft;
};

#define INSIDE_INIT                                                   \
	{                                                             \
		.netns = -1, .nl = NL_SOCK_INIT, .nft = NL_SOCK_INIT, \
	}

static void inside_close(struct wire_inside *in)
{
	nl_sock_close(&in->nl);
	nl_sock_close(&in->nft);
	util_close(&in->netns);
}
#define AUTO_INSIDE __attribute__((cleanup(inside_close)))

/* The VPN's side: its record, and a socket in the namespace of its ports. */
struct side {
	struct record record;
	struct lease_pool pool;
	int netns;
	struct nl_sock nl;
};

#define SIDE_INIT                                \
	{                                        \
		.netns = -1, .nl = NL_SOCK_INIT, \
	}

static void side_close(struct side *s)
{
	nl_sock_close(&s->nl);
	util_close(&s->netns);
}
#define AUTO_SIDE __attribute__((cleanup(side_close)))

int wire_tag(char ret[WIRE_TAG_LEN], const struct wire_owner *o, struct err *e)
{
	if (str_fmt(ret, WIRE_TAG_LEN, "%s:%s/%s/%s", o->engine, o->network, o->container,
		    o->ifname) < 0)
		return err_set(e, -ENAMETOOLONG,
			       "the names of the network and the container are too long: together "
			       "at most %d characters fit an interface's alias",
			       WIRE_TAG_LEN - 24);
	return 0;
}

/* --- the VPN's side -------------------------------------------------------------------------- */

static int no_record(const char *vpn, struct err *e)
{
	char path[sizeof(VPN_CONFIG_DIR) + NAME_MAX_LEN + 8];

	if (!str_is_vpn_name(vpn) ||
	    str_fmt(path, sizeof(path), VPN_CONFIG_DIR "/%s.json", vpn) < 0 ||
	    access(path, F_OK) < 0)
		return err_set(e, -ENOENT, "there is no VPN '%s': see `vpnctl status`", vpn);
	record_fail_down(vpn, e);
	return record_hint_hold(vpn, e);
}

static int side_open(struct side *s, const char *vpn, struct err *e)
{
	int r = record_read(vpn, &s->record, e);

	if (r == -ENOENT)
		return no_record(vpn, e);
	if (r < 0)
		return r;
	s->pool = record_pool(&s->record);
	s->netns = record_open_netns(&s->record, e);
	if (s->netns == -ENOENT)
		return err_set(e, -ESTALE,
			       "the network namespace of VPN '%s' is gone; make it anew with: sudo "
			       "vpnctl up %s",
			       vpn, vpn);
	if (s->netns < 0)
		return s->netns;
	return ns_nl_open(&s->nl, s->netns, NETLINK_ROUTE, e);
}

/* Where nothing can be plugged any more there is nothing to unplug. */
static bool is_gone(int code)
{
	return code == -ENOENT || code == -ENETDOWN || code == -ESTALE;
}

/* The VPN is up, or closed for now and held for those who come before it is. */
static int side_is_open(struct side *s, struct err *e)
{
	uint64_t ino = s->record.netns_ino;
	int r;

	/* What has been opened already is of the namespace that was there before. */
	if (s->record.state == RECORD_LOST &&
	    record_read_settled(s->record.name, &s->record, NULL) == 0 &&
	    s->record.netns_ino != ino)
		r = record_fail_down(s->record.name, e);
	else
		r = record_check_open(&s->record, e);
	return r < 0 ? record_hint_hold(s->record.name, e) : 0;
}

static bool is_port(const struct side *s, const struct rtnl_link *l)
{
	return strcmp(l->kind, "veth") == 0 && lease_from_port(&s->pool, l->name) > 0;
}

/* -ENOLINK: there is none. */
static int find_tagged(struct side *s, const char *tag, struct rtnl_link *ret, struct err *e)
{
	AUTO_FREE struct rtnl_link *links = NULL;
	size_t n = 0;
	int r = rtnl_link_list(&s->nl, RTNL_HERE, &links, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!is_port(s, &links[i]) || strcmp(links[i].alias, tag) != 0)
			continue;
		*ret = links[i];
		return 0;
	}
	return r < 0 ? r
		     : err_set(e, -ENOLINK, "VPN '%s' has no port of this container",
			       s->record.name);
}

static int unplug(struct side *s, const char *port, struct err *e)
{
	int r = rtnl_link_delete(&s->nl, RTNL_HERE, port, e);

	return r == -ENODEV ? 0 : r;
}

/* --- the container's side -------------------------------------------------------------------- */

static int is_of_vpn(const struct record *r, void *arg)
{
	const struct stat *ns = arg;

	/* 1 here is "stop": the namespace of the bridge layout is the host's, seen elsewhere. */
	return record_is_netns(r, ns);
}

static int open_container(const char *path, struct err *e)
{
	/* Not blocking: a path may name a FIFO. */
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct statfs fs;
	struct stat st;
	int is;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(e, -ESRCH, "the network namespace %s does not exist", path);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open the network namespace %s", path);
	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot look at %s", path);
	if (fs.f_type != NSFS_MAGIC || ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		/* A runtime's namespace leaves an empty file when it is unmounted. */
		return err_set(e, -EBADF, "%s is not a network namespace", path);
	if (same_fd_path(fd, "/proc/self/ns/net") || same_fd_path(fd, "/proc/1/ns/net"))
		return err_set(e, -EXDEV,
			       "%s is the host's own network: only containers with a "
			       "network of their own can be put into a VPN",
			       path);
	is = record_for_each(is_of_vpn, &st, e);
	if (is < 0)
		return is;
	if (is > 0)
		return err_set(e, -EXDEV, "%s is the network of a VPN itself, not of a container",
			       path);
	return take_fd(&fd);
}

static int refuse_others(struct nl_sock *in, const struct wire *w, struct err *e)
{
	AUTO_FREE struct rtnl_link *links = NULL;
	size_t n = 0;
	int r = rtnl_link_list(in, RTNL_HERE, &links, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!cable_is_other(&links[i], w->ifname) ||
		    (w->beside && strcmp(links[i].name, w->beside->dev) == 0))
			continue;
		return err_set(e, -EBUSY,
			       "the container has another interface, %s, which leads around VPN "
			       "'%s'; if that is what you want, say \"exclusive\": false",
			       links[i].name, w->vpn);
	}
	return r;
}

static int look_inside(struct nl_sock *in, const struct wire *w, struct err *e)
{
	struct err ignored = ERR_INIT;
	int ifindex;

	if (rtnl_link_index(in, w->ifname, &ifindex, &ignored) == 0)
		return err_set(e, -EEXIST, "the container has an interface %s already", w->ifname);
	if (w->beside && rtnl_link_index(in, w->beside->dev, &ifindex, &ignored) < 0)
		return err_set(e, -ENODEV,
			       "the container has no interface %s that \"direct\" could go by: "
			       "the plugin of the cluster's network comes first",
			       w->beside->dev);
	return w->shared ? 0 : refuse_others(in, w, e);
}

/* Closed, before a route leads anywhere. */
static int close_inside(struct wire_inside *in, const struct wire *w, struct err *e)
{
	if (w->beside)
		return cable_beside(&in->nl, &in->nft, w->ifname, w->beside, e);
	return cable_alone(&in->nl, &in->nft, w->ifname, e);
}

/* What the interface must not do by itself when it comes. Absent or refused: the kernel's default,
 * and no way out. */
static void prepare(int netns, const struct record *r)
{
	struct err ignored = ERR_INIT;

	if (cable_has_ip6(r))
		ns_sysctl_write(netns, "ipv6/conf/default/accept_ra", "0", &ignored);
	else
		ns_sysctl_write(netns, "ipv6/conf/default/disable_ipv6", "1", &ignored);
}

/* A namespace may be made with IPv6 off; other interfaces in it stay as they are. */
static void enable_ip6(int netns, const struct wire *w)
{
	char key[64];
	struct err ignored = ERR_INIT;

	if (str_fmt(key, sizeof(key), "ipv6/conf/%s/disable_ipv6", w->ifname) >= 0)
		ns_sysctl_write(netns, key, "0", &ignored);
}

/* Whether port and end are one cable. */
static bool is_pair(struct side *s, const struct rtnl_link *port, int netns,
		    const struct rtnl_link *end)
{
	struct err ignored = ERR_INIT;
	int nsid;

	return rtnl_nsid_get(&s->nl, netns, &nsid, &ignored) == 0 && port->peer_nsid == nsid &&
	       port->link == end->ifindex;
}

static int inside_open(struct wire_inside *in, const struct wire *w, struct err *e)
{
	int r;

	in->netns = open_container(w->netns, e);
	if (in->netns < 0)
		return in->netns;
	r = ns_nl_open(&in->nl, in->netns, NETLINK_ROUTE, e);
	return r < 0 ? r : ns_nl_open(&in->nft, in->netns, NETLINK_NETFILTER, e);
}

/* Both sides of a cable. -errno: what is open is closed by its owner. */
static int open_both(const struct wire *w, struct side *s, struct wire_inside *in, struct err *e)
{
	int r = side_open(s, w->vpn, e);

	if (r == 0)
		r = side_is_open(s, e);
	return r < 0 ? r : inside_open(in, w, e);
}

/* --- attach ---------------------------------------------------------------------------------- */

/* The cable of ret->host, which is there. */
static int configure(struct side *s, struct wire_inside *in, const struct wire *w,
		     struct wire_ends *ret, struct err *e)
{
	int was_closed = cable_is_alone(&in->nl, &in->nft, e), r;
	bool closed = was_closed > 0 || !w->shared;
	const struct cable_end end = {w->ifname, ret->host, closed ? CABLE_TABLE : 0};
	char port[LEASE_IF_LEN];

	lease_port(&s->pool, ret->host, port);
	r = was_closed < 0 ? was_closed : 0;
	r = r ?: rtnl_link_set_alias(&s->nl, port, w->tag, e);
	if (closed)
		r = r ?: close_inside(in, w, e);
	r = r ?: cable_up(&in->nl, &s->record, &end, e);
	r = r ?: cable_wait(&in->nl, &s->record, &end, e);
	r = r ?: rtnl_link_get(&in->nl, RTNL_HERE, w->ifname, &ret->end, e);
	r = r ?: rtnl_link_get(&s->nl, RTNL_HERE, port, &ret->port, e);
	if (r < 0) {
		struct err ignored = ERR_INIT;

		unplug(s, port, &ignored);
		if (was_closed == 0)
			cable_beside_undo(&in->nl, &in->nft);
	}
	return r;
}

/* The kernel may have carried out what nobody got its answer to. There was no such interface
 * before; one that is there now, and is the end of a port of this VPN's that has no owner's name
 * yet, is that cable. */
static void undo_plug(struct side *s, struct wire_inside *in, const struct wire *w)
{
	AUTO_FREE struct rtnl_link *links = NULL;
	struct err ignored = ERR_INIT;
	struct rtnl_link end;
	size_t n = 0;

	if (rtnl_link_get(&in->nl, RTNL_HERE, w->ifname, &end, &ignored) < 0 ||
	    rtnl_link_list(&s->nl, RTNL_HERE, &links, &n, &ignored) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (is_port(s, &links[i]) && !links[i].alias[0] &&
		    is_pair(s, &links[i], in->netns, &end))
			unplug(s, links[i].name, &ignored);
}

void wire_add_dns(struct wire *w, const char *key, const char *address)
{
	struct names_dns *d = &w->dns[w->n_dns];

	if (w->n_dns == NAMES_DNS_MAX)
		return;
	w->dns_key = key;
	d->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(d->family, address, d->addr) == 1)
		w->n_dns++;
}

int wire_attach(const struct wire *w, struct wire_ends *ret, struct err *e)
{
	struct nl_sock here AUTO_NL_SOCK = NL_SOCK_INIT;
	struct wire_inside in AUTO_INSIDE = INSIDE_INIT;
	struct side s AUTO_SIDE = SIDE_INIT;
	const struct attach_cable cable = {w->ifname, w->lan};
	struct wire_ends ends;
	int r = open_both(w, &s, &in, e);

	if (r == 0 && w->lan)
		r = record_check_lan(&s.record, e);
	if (r == 0 && w->lan)
		r = record_check_lan_dns(&s.record, w->dns, w->n_dns, w->dns_key, e);
	if (r == 0 && w->beside)
		r = cable_beside_fits(w->beside, &s.record, e);
	if (r == 0)
		r = look_inside(&in.nl, w, e);
	if (r == 0)
		r = nl_sock_open(&here, NETLINK_ROUTE, e);
	if (r < 0)
		return r;
	prepare(in.netns, &s.record);
	r = attach_as_root(&here, &s.record, in.netns, &cable, &ends.host, e);
	if ((r == -EALREADY || r == -ENOSPC) && look_inside(&in.nl, w, e) == -EEXIST)
		return -EEXIST; /* somebody was faster with the same name */
	if (r < 0) {
		undo_plug(&s, &in, w);
		return r;
	}
	ends.record = s.record;
	if (cable_has_ip6(&s.record))
		enable_ip6(in.netns, w);
	r = configure(&s, &in, w, &ends, e);
	if (r == 0)
		*ret = ends;
	return r;
}

/* --- detach ---------------------------------------------------------------------------------- */

/* A port that was plugged by one who was killed before he could tag it. */
static int find_untagged(struct side *s, const struct wire *w, struct rtnl_link *ret)
{
	struct nl_sock in AUTO_NL_SOCK = NL_SOCK_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	struct err ignored = ERR_INIT;
	AUTO_CLOSE int netns = w->netns ? open_container(w->netns, &ignored) : -ESRCH;
	struct rtnl_link end;
	size_t n = 0;

	if (netns < 0 || ns_nl_open(&in, netns, NETLINK_ROUTE, &ignored) < 0 ||
	    rtnl_link_get(&in, RTNL_HERE, w->ifname, &end, &ignored) < 0 ||
	    rtnl_link_list(&s->nl, RTNL_HERE, &links, &n, &ignored) < 0)
		return -ENOLINK;
	for (size_t i = 0; i < n; i++) {
		if (!is_port(s, &links[i]) || links[i].alias[0] ||
		    !is_pair(s, &links[i], netns, &end))
			continue;
		*ret = links[i];
		return 0;
	}
	return -ENOLINK;
}

/* While the container is there its end says which port is its own: a list of a thousand is long. */
static int find_by_end(struct side *s, const struct wire *w, struct rtnl_link *ret)
{
	struct nl_sock in AUTO_NL_SOCK = NL_SOCK_INIT;
	struct err ignored = ERR_INIT;
	AUTO_CLOSE int netns = w->netns ? open_container(w->netns, &ignored) : -ESRCH;
	struct rtnl_link end, port;

	if (netns < 0 || ns_nl_open(&in, netns, NETLINK_ROUTE, &ignored) < 0 ||
	    rtnl_link_get(&in, RTNL_HERE, w->ifname, &end, &ignored) < 0 || end.link <= 0 ||
	    rtnl_link_get_index(&s->nl, end.link, &port, &ignored) < 0 || !is_port(s, &port) ||
	    strcmp(port.alias, w->tag) != 0)
		return -ENOLINK;
	*ret = port;
	return 0;
}

/* A namespace in which nothing is left that leads anywhere is given back as it was. With anything
 * else in it, it stays closed: what runs there was never to go another way. */
static void open_again(const struct wire *w)
{
	struct wire_inside in AUTO_INSIDE = INSIDE_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	struct err ignored = ERR_INIT;
	size_t n = 0;

	if (!w->netns || inside_open(&in, w, &ignored) < 0 ||
	    rtnl_link_list(&in.nl, RTNL_HERE, &links, &n, &ignored) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (cable_is_other(&links[i], ""))
			return;
	cable_beside_undo(&in.nl, &in.nft);
}

static int find_and_unplug(const struct wire *w, struct err *e)
{
	struct side s AUTO_SIDE = SIDE_INIT;
	struct rtnl_link port;
	int r = side_open(&s, w->vpn, e);

	if (is_gone(r))
		return 0;
	if (r < 0)
		return r;
	r = find_by_end(&s, w, &port);
	if (r == -ENOLINK)
		r = find_tagged(&s, w->tag, &port, e);
	if (r == -ENOLINK)
		r = find_untagged(&s, w, &port);
	if (r < 0)
		return r == -ENOLINK ? 0 : r;
	return unplug_port(&s.nl, s.netns, &port, e);
}

int wire_detach(const struct wire *w, struct err *e)
{
	int r = find_and_unplug(w, e);

	if (r == 0)
		open_again(w);
	return r;
}

int wire_collect(const char *vpn, const char *prefix,
		 bool (*is_valid)(const char *tag, const void *arg), const void *arg, struct err *e)
{
	AUTO_FREE struct rtnl_link *links = NULL;
	struct side s AUTO_SIDE = SIDE_INIT;
	int r = side_open(&s, vpn, e), worst = 0;
	size_t n = 0;

	if (is_gone(r))
		return 0;
	if (r == 0)
		r = rtnl_link_list(&s.nl, RTNL_HERE, &links, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct err one = ERR_INIT;

		if (!is_port(&s, &links[i]) || !str_starts(links[i].alias, prefix) ||
		    is_valid(links[i].alias, arg))
			continue;
		if (unplug(&s, links[i].name, &one) < 0 && worst == 0) {
			worst = one.code;
			*e = one;
		}
	}
	return r < 0 ? r : worst;
}

/* --- looking --------------------------------------------------------------------------------- */

struct wire_family {
	int family;
	const void *own, *gateway;
};

/* An address is one's own where the kernel would reach it by lo; the gateway stands for the rest
 * of the world, because there is no route but the default one. */
static int check_family(struct nl_sock *in, const struct wire_family *f,
			const struct rtnl_link *end, struct err *e)
{
	int family = f->family;
	const struct rtnl_target own = {.family = family, .addr = f->own};
	const struct rtnl_target far = {.family = family, .addr = f->gateway};
	char text[INET6_ADDRSTRLEN];
	struct rtnl_way way;

	if (rtnl_route_get(in, &own, &way, e) < 0 || way.oif != LO_IFINDEX)
		return err_set(e, -ENOLINK, "%s has lost its address %s", end->name,
			       inet_ntop(family, f->own, text, sizeof(text)));
	if (rtnl_route_get(in, &far, &way, e) < 0 || way.oif != end->ifindex)
		return err_set(e, -ENOLINK, "the container's route by %s to %s is gone", end->name,
			       inet_ntop(family, f->gateway, text, sizeof(text)));
	return 0;
}

static int check_config(const struct side *s, struct nl_sock *in, const struct wire_ends *x,
			struct err *e)
{
	struct in_addr own4 = lease_ip4(&s->pool, x->host), gw4 = lease_ip4(&s->pool, 1);
	struct in6_addr own6 = lease_ip6(&s->pool, x->host), gw6 = lease_ip6(&s->pool, 1);
	uint8_t mac[6];
	int r = 0;

	lease_mac(&s->pool, x->host, mac);
	if (!(x->end.flags & IFF_UP) || !(x->port.flags & IFF_UP))
		return err_set(e, -ENOLINK, "%s is not up", x->end.name);
	if (x->port.master != (int)s->record.bridge_ifindex)
		return err_set(e, -ENOLINK, "port %s has left the bridge of VPN '%s'", x->port.name,
			       s->record.name);
	if (memcmp(x->end.mac, mac, sizeof(mac)) != 0)
		return err_set(e, -ENOLINK, "%s has another MAC address than its lease",
			       x->end.name);
	if (s->record.flags & RECORD_HAS_IP4)
		r = check_family(in, &(struct wire_family){AF_INET, &own4, &gw4}, &x->end, e);
	if (r == 0 && cable_has_ip6(&s->record))
		r = check_family(in, &(struct wire_family){AF_INET6, &own6, &gw6}, &x->end, e);
	return r;
}

/* The network's file may say something else than when the container came. */
static int check_lan(const struct wire *w, const struct wire_ends *x, struct err *e)
{
	bool has = x->port.group & LEASE_LAN;

	if (x->record.layout == LAYOUT_BRIDGE || has == w->lan)
		return 0;
	return err_set(e, -ENOLINK, "port %s of VPN '%s' %s the LAN", x->port.name, x->record.name,
		       has ? "reaches" : "does not reach");
}

static int check_alone(struct wire_inside *in, const struct wire *w, struct err *e)
{
	int r = w->beside ? cable_beside_is_so(&in->nl, &in->nft, w->beside, e)
			  : cable_is_alone(&in->nl, &in->nft, e);

	if (r == 0)
		return err_set(e, -ENOLINK,
			       "the rules that keep the container in VPN '%s' are gone", w->vpn);
	return r < 0 ? r : refuse_others(&in->nl, w, e);
}

int wire_check(const struct wire *w, struct wire_ends *ret, struct err *e)
{
	struct wire_inside in AUTO_INSIDE = INSIDE_INIT;
	struct side s AUTO_SIDE = SIDE_INIT;
	struct wire_ends ends;
	int r = open_both(w, &s, &in, e);

	if (r < 0)
		return r;
	if (rtnl_link_get(&in.nl, RTNL_HERE, w->ifname, &ends.end, e) < 0)
		return err_set(e, -ENOLINK, "the container has no interface %s", w->ifname);
	r = find_tagged(&s, w->tag, &ends.port, e);
	if (r < 0)
		return r;
	if (!is_pair(&s, &ends.port, in.netns, &ends.end))
		return err_set(e, -ENOLINK, "%s of the container is not the cable to VPN '%s'",
			       w->ifname, w->vpn);
	ends.host = lease_from_port(&s.pool, ends.port.name);
	ends.record = s.record;
	r = check_lan(w, &ends, e);
	r = r ?: check_config(&s, &in.nl, &ends, e);
	if (r == 0 && !w->shared)
		r = check_alone(&in, w, e);
	if (r == 0)
		*ret = ends;
	return r;
}

int wire_status(const char *vpn, uint32_t *ret_inside, struct err *e)
{
	AUTO_FREE struct rtnl_link *links = NULL;
	struct side s AUTO_SIDE = SIDE_INIT;
	uint32_t inside = 0;
	size_t n = 0;
	int r = side_open(&s, vpn, e);

	*ret_inside = 0;
	if (r == 0)
		r = rtnl_link_list(&s.nl, RTNL_HERE, &links, &n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		inside += is_port(&s, &links[i]);
	*ret_inside = inside;
	r = side_is_open(&s, e);
	if (r == 0 && inside >= lease_max(&s.pool) - 1)
		r = err_set(e, -ENOSPC, "VPN '%s' has no free address: all %u are taken", vpn,
			    inside);
	return r;
}
