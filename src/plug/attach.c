/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two ways to a cable. Root's own is for when the broker has nobody to protect: it must never be
 * reached by anyone but root, and checks only that the VPN's namespace is the one that its record
 * speaks of. It is called by the launcher, the container hooks and vpnctl. The users' is called by
 * the plugger, when plugd/ has found that the namespace is the user's own.
 */
#include "plug/attach.h"

#include <errno.h>
#include <unistd.h>

#include "nl/link.h"

/* The search has its socket, the record, the namespace and the name of the device. */
static int attach_root(struct search *a, uint32_t *ret_host, struct err *e)
{
	AUTO_CLOSE int vpn_fd = record_open_netns(a->r, e);
	AUTO_NL_SOCK struct nl_sock nft = NL_SOCK_INIT;

	a->s.nft = &nft;
	a->pool = record_pool(a->r);
	a->vpn_fd = vpn_fd;
	a->nsid = RTNL_HERE;
	if (vpn_fd < 0)
		return vpn_fd;
	if ((a->r->flags & RECORD_GUARD_EACH) && nl_sock_open(&nft, NETLINK_NETFILTER, e) < 0)
		return -EIO;
	return search_take(a, ret_host, e);
}

/* On the bridge of the other layout the LAN is everybody's. */
int attach_as_root(struct nl_sock *s, const struct record *r, int netns_fd,
		   const struct attach_cable *c, uint32_t *ret_host, struct err *e)
{
	struct search_memory m = {.next = (uint32_t)getpid()};
	struct search a = {.s = {.rt = s},
			   .r = r,
			   .netns_fd = netns_fd,
			   .ifname = c->ifname,
			   .m = &m,
			   .group = c->lan && r->layout == LAYOUT_NETNS ? LEASE_LAN : 0};

	return attach_root(&a, ret_host, e);
}

int attach_look(struct nl_sock *s, const struct record *r, int netns_fd, uint32_t *ret_host,
		struct err *e)
{
	struct lease_pool pool = record_pool(r);
	struct search_memory m = {.next = lease_max(&pool) - 2};
	struct search a = {
		.s = {.rt = s}, .r = r, .netns_fd = netns_fd, .ifname = LEASE_CABLE, .m = &m};

	return attach_root(&a, ret_host, e);
}

/* A cable into a VPN that was taken down meanwhile would hold on to something half removed. */
static int check_still_open(const struct record *r, struct err *e)
{
	struct record now;

	if (record_read(r->name, &now, NULL) < 0 || now.netns_ino != r->netns_ino ||
	    now.netns_dev != r->netns_dev)
		return record_fail_down(r->name, e);
	return record_check_open(&now, e);
}

int attach_for_user(struct attach_users *u, const struct record *r, int netns_fd, uint32_t group,
		    uint32_t *ret_host, struct err *e)
{
	AUTO_CLOSE int vpn_fd = record_open_netns(r, e);
	struct search a = {
		.s = {u->s, u->nft},
		.m = &u->vpns[r->id % ARRAY_SIZE(u->vpns)],
		.r = r,
		.pool = record_pool(r),
		.vpn_fd = vpn_fd,
		.nsid = RTNL_HERE,
		.netns_fd = netns_fd,
		.ifname = LEASE_CABLE,
		.group = group,
	};
	int rc;

	if (vpn_fd < 0)
		return vpn_fd;
	rc = search_take(&a, ret_host, e);
	if (rc < 0)
		return rc;
	rc = check_still_open(r, e);
	if (rc < 0)
		search_give_back(&a, *ret_host);
	return rc;
}
