/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attach. Why a stranger may ask for it: it makes one device pair whose one end is in a namespace
 * of the stranger's own making and whose other is a port that the VPN's static rules bind to one
 * address. Nothing of it is the caller's choice: not the name, not the number, not the bridge.
 *
 * Should: leave either a whole cable or nothing. Mustn't: act on a descriptor that
 * whose_check() has not accepted; touch any device but the one made here.
 *
 * The kernel is the table of leases: to create the port "vrID.H" is to take the lease, and its
 * EEXIST is the lock. Called by a connection's child in broker/server.c.
 */
#include "broker/ops.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "nl/rtnl.h"
#include "plug/guard_port.h"
#include "state/inbound.h"

/* Before 6.14 the kernel makes the peer first and takes it back when the name is taken: 15 ms. */
static bool eexist_is_slow;

void ops_init(void)
{
	struct utsname u;
	unsigned int major, minor;

	eexist_is_slow = uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2 ||
			 major < 6 || (major == 6 && minor < 14);
}

/* What one request holds. */
struct attach {
	struct nl_sock *s;
	const struct record *r;
	struct lease_pool pool;
	int netns_fd;
	int vpn_fd;
	int nsid;  /* of vpn_fd, -1: not asked for yet */
	uid_t uid; /* of whom the cable is, as the kernel's table has it */
	struct hints *hints;
};

static int need_nsid(struct attach *a, struct err *e)
{
	if (a->r->layout == LAYOUT_BRIDGE)
		return 0; /* the broker's own: RTNL_HERE, which needs none */
	return a->nsid >= 0 ? 0 : rtnl_nsid_ensure(a->s, a->vpn_fd, &a->nsid, e);
}

/* 1: the port exists; 0: it does not. */
static int port_exists(struct attach *a, const char *port, struct rtnl_link *ret, struct err *e)
{
	int r = need_nsid(a, e);

	if (r < 0)
		return r;
	r = rtnl_link_get(a->s, a->nsid, port, ret, e);
	return r == -ENODEV ? 0 : r < 0 ? r : 1;
}

static int create(struct attach *a, uint32_t h, struct err *e)
{
	char port[LEASE_IF_LEN];
	uint8_t mac[6];
	struct rtnl_veth v = {
		.name = port,
		.netns_fd = a->vpn_fd,
		.master = a->r->bridge_ifindex,
		.group = a->uid,
		.mtu = a->r->mtu,
		.peer_name = LEASE_CABLE,
		.peer_netns_fd = a->netns_fd,
		.peer_mac = mac,
	};

	lease_port(&a->pool, h, port);
	lease_mac(&a->pool, h, mac);
	return guard_port_add(a->s, a->r, -1, &v, e);
}

/* -EEXIST: the lease is taken, try another. */
static int try_host(struct attach *a, uint32_t h, struct err *e)
{
	struct rtnl_link link;
	char port[LEASE_IF_LEN];
	int r, there;

	lease_port(&a->pool, h, port);
	if (eexist_is_slow) {
		there = port_exists(a, port, &link, e);
		if (there != 0)
			return there < 0 ? there : -EEXIST;
	}
	/* Twice: between an EEXIST and the look at the port, the port may have been given up. */
	for (int i = 0; i < 2; i++) {
		r = create(a, h, e);
		if (r != -EEXIST)
			break;
		there = port_exists(a, port, &link, e);
		if (there != 0)
			return there < 0 ? there : -EEXIST;
	}
	if (r == -EEXIST)
		return err_set(e, -EALREADY,
			       "that network namespace already has a device called " LEASE_CABLE
			       ": one cable to a sandbox");
	if (r == -EXFULL)
		return err_set(e, -ENOSPC,
			       "the bridge of VPN '%s' has no free port: all 1023 are taken (see "
			       "`vpnctl status %s`)",
			       a->r->name, a->r->name);
	if (r < 0)
		return err_wrap(e, r, "cannot plug the sandbox into VPN '%s' as %s", a->r->name,
				port);
	return 0;
}

static int full(const struct attach *a, struct err *e)
{
	return err_set(e, -ENOSPC,
		       "VPN '%s' has no free address: all %u are taken (see `vpnctl status %s`)",
		       a->r->name, lease_max(&a->pool) - 1, a->r->name);
}

/* Asks the kernel which numbers are taken, by one dump: a crowded pool must not cost an EEXIST for
 * each. Whether any is free. */
static int list_taken(struct attach *a, uint32_t max, bool *ret_any_free, struct err *e)
{
	AUTO_FREE struct rtnl_link *links = NULL;
	struct hints_map map = {{0}};
	uint32_t taken = 0;
	size_t n;
	int r = need_nsid(a, e);

	if (r < 0)
		return r;
	r = rtnl_link_list(a->s, a->nsid, &links, &n, e);
	if (r == -EINTR) {
		/* Others plug so fast that no list is whole: these are hints, so look again. */
		*ret_any_free = true;
		return 0;
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		uint32_t h = lease_from_port(&a->pool, links[i].name);

		if (!h)
			continue;
		taken++;
		hints_map_mark(&map, h);
	}
	hints_replace(a->hints, a->pool.id, &map);
	*ret_any_free = taken < max - 1;
	return 0;
}

#define LISTINGS    32 /* in a nearly full pool the others of a storm are faster, for a while */
#define BLIND_TRIES 8  /* after that many surprises a dump is cheaper */

static int search(struct attach *a, uint32_t *ret, struct err *e)
{
	uint32_t max = lease_max(&a->pool);
	bool any_free = max >= 2;

	for (int round = 0; any_free && round < LISTINGS; round++) {
		int r;

		for (int i = 0; i < BLIND_TRIES; i++) {
			uint32_t h = hints_pick(a->hints, a->pool.id, max);

			if (!h)
				break;
			r = try_host(a, h, e);
			if (r == 0)
				*ret = h;
			if (r != -EEXIST)
				return r;
		}
		r = list_taken(a, max, &any_free, e);
		if (r < 0)
			return r;
	}
	return full(a, e);
}

/* Takes the cable away again; its number may be another's by now if the sandbox died meanwhile. */
static void unplug(struct attach *a, uint32_t h)
{
	struct rtnl_link link;
	char port[LEASE_IF_LEN];

	lease_port(&a->pool, h, port);
	if (port_exists(a, port, &link, NULL) == 1 && link.group == a->uid)
		rtnl_link_delete(a->s, a->nsid, port, NULL);
}

/* Nobody gets the whole pool, and with it all that the VPN can keep track of, by default. */
static uint32_t find_limit(const struct attach *a)
{
	return a->r->limit ? a->r->limit : (lease_max(&a->pool) + 2) / 4;
}

#define COUNTINGS 32 /* as long as others plug, a list may not be whole */
#define LOOKS	  16
#define LOOK_MS	  20

/* Asks the kernel. *ret_place is of all who share the user's place in the hints. */
static int count_cables(struct attach *a, uint32_t *ret_mine, uint32_t *ret_place, struct err *e)
{
	AUTO_FREE struct rtnl_link *links = NULL;
	uint32_t place = hints_place(a->uid), mine = 0, shared = 0;
	size_t n;
	int r = need_nsid(a, e);

	for (int i = 0; r == 0 || (r == -EINTR && i < COUNTINGS); i++) {
		r = rtnl_link_list(a->s, a->nsid, &links, &n, e);
		if (r == 0)
			break;
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (!lease_from_port(&a->pool, links[i].name))
			continue;
		mine += links[i].group == a->uid;
		shared += hints_place(links[i].group) == place;
	}
	*ret_mine = mine;
	*ret_place = shared;
	return 0;
}

/* Counted after creating, so that two at once cannot both be the last that fits. */
static int check_limit(struct attach *a, struct err *e)
{
	uint32_t limit = find_limit(a), place = hints_place(a->uid), seen, held, mine;
	int r;

	if (limit >= lease_max(&a->pool) - 1)
		return 0;
	seen = hints_held_add(a->hints, a->pool.id, place, &held);
	if (held <= limit)
		return 0;
	/* Those of sandboxes that have just ended are still there. */
	for (int i = 0; i < LOOKS; i++) {
		if (i)
			poll(NULL, 0, LOOK_MS);
		r = count_cables(a, &mine, &held, e);
		if (r < 0)
			return r;
		hints_held_set(a->hints, a->pool.id, place, seen, held);
		if (mine <= limit)
			return 0;
	}
	return err_set(e, -EDQUOT,
		       "uid %u already holds %u cable%s to VPN '%s', the limit for one user (see "
		       "`vpnctl status %s`; \"limit\" in /etc/vpnrun/%s.json)",
		       a->uid, limit, limit == 1 ? "" : "s", a->r->name, a->r->name, a->r->name);
}

/* A cable into a VPN that was taken down meanwhile would hold on to something half removed. */
static int check_still_up(const struct attach *a, struct err *e)
{
	struct record now;

	if (record_read_settled(a->r->name, &now, NULL) < 0 || now.state != RECORD_UP ||
	    now.netns_ino != a->r->netns_ino || now.netns_dev != a->r->netns_dev)
		return err_set(e, -ENETDOWN,
			       "VPN '%s' went down while it was asked for: bring it up with `sudo "
			       "vpnctl up %s`",
			       a->r->name, a->r->name);
	return 0;
}

int ops_attach(struct nl_sock *s, const struct record *r, int netns_fd, uid_t uid,
	       struct hints *hints, uint32_t *ret_host, struct err *e)
{
	AUTO_CLOSE int vpn_fd = record_open_netns(r, e);
	struct attach a = {
		.s = s,
		.r = r,
		.pool = record_pool(r),
		.netns_fd = netns_fd,
		.vpn_fd = vpn_fd,
		.nsid = RTNL_HERE,
		.uid = uid,
		.hints = hints,
	};
	uint32_t h = 0;
	int n;

	if (vpn_fd < 0)
		return vpn_fd;
	n = search(&a, &h, e);
	if (n < 0)
		return n;
	n = check_limit(&a, e);
	if (n == 0)
		n = check_still_up(&a, e);
	if (n < 0) {
		unplug(&a, h);
		return n;
	}
	*ret_host = h;
	return 0;
}

int ops_expose(struct nl_sock *s, const struct record *r, uint32_t host, uid_t uid,
	       const struct port_map *at, size_t n, struct err *e)
{
	AUTO_CLOSE int vpn_fd = -1;
	struct attach a = {.s = s, .r = r, .pool = record_pool(r), .nsid = RTNL_HERE, .uid = uid};
	int rc = inbound_ask(r, host, uid, at, n, e);

	if (rc == 0)
		return 0;
	/* A sandbox without what was asked for is none. */
	vpn_fd = record_open_netns(r, NULL);
	a.vpn_fd = vpn_fd;
	if (vpn_fd >= 0)
		unplug(&a, host);
	return rc;
}
