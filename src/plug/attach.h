/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plugging a network namespace into a VPN: for the broker's users, and for root, who needs no
 * broker. Both search in the same way (plug/search.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nl/sock.h"
#include "plug/search.h"
#include "state/record.h"

/* Says what a cable is to be. That the VPN's file opens something of the LAN is for the caller to
 * ask: record_check_lan(). */
struct attach_cable {
	const char *ifname; /* in the namespace, where it must be free */
	bool lan;	    /* it may also use the VPN's own cable to the LAN */
};

/* Plugs the new network namespace netns_fd into the VPN. *ret_host is the lease; the search for a
 * free one starts at the process id. Needs CAP_NET_ADMIN in the initial user namespace. */
int attach_as_root(struct nl_sock *s, const struct record *r, int netns_fd,
		   const struct attach_cable *c, uint32_t *ret_host, struct err *e);

/* The same for a short look, with a cable of the usual name. Its search starts at the pool's last
 * number: where one looks again and again, one address has been a cable's, and not each in turn. */
int attach_look(struct nl_sock *s, const struct record *r, int netns_fd, uint32_t *ret_host,
		struct err *e);

/* Things that the plugger holds while it plugs for users. All 0 but for the sockets: nothing is
 * known. */
struct attach_users {
	struct nl_sock *s;   /* NETLINK_ROUTE, of the plugger's own namespace */
	struct nl_sock *nft; /* NETLINK_NETFILTER there; closed: the kernel has none */
	struct search_memory vpns[100];
};

/* Plugs netns_fd, which whose_check() accepted. group: the uid of the user behind the asker, and
 * LEASE_LAN where the cable may also use the VPN's own to the LAN. */
int attach_for_user(struct attach_users *u, const struct record *r, int netns_fd, uint32_t group,
		    uint32_t *ret_host, struct err *e);
