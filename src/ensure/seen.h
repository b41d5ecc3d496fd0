/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shows what a network namespace has at this moment, each kind read once and only where it is asked
 * for.
 */
#pragma once

#include "nl/list.h"
#include "nl/link.h"
#include "nl/rule.h"

struct net_seen {
	struct nl_sock rt, nft; /* in the namespace */
	struct rtnl_link *links;
	struct nl_addr *addrs;
	struct nl_route *routes;
	size_t n_links, n_addrs, n_routes;
	int back; /* where the thread was */
};

#define SEEN_INIT                                                   \
	{                                                           \
		.rt = NL_SOCK_INIT, .nft = NL_SOCK_INIT, .back = -1 \
	}

/* Enters the namespace (-1: stays) and reads its links, addresses and routes. seen_close() returns
 * in any case. */
int seen_open(struct net_seen *s, int ns_fd, struct err *e);
void seen_close(struct net_seen *s);
#define AUTO_SEEN __attribute__((cleanup(seen_close)))

/* The same once more: something was changed. */
int seen_again(struct net_seen *s, struct err *e);

/* NULL: there is none of that name. */
const struct rtnl_link *seen_link(const struct net_seen *s, const char *name);
