/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cable beside a container's other network, which is kept to what is named for it: a cluster's
 * own networks and its name servers. Everything else goes by the cable or nowhere, as in
 * cable_alone.h.
 */
#pragma once

#include <stddef.h>

#include "base/prefix.h"
#include "nl/sock.h"
#include "state/record.h"

#define BESIDE_NETS_MAX 16
#define BESIDE_DNS_MAX	4

struct cable_beside {
	const char *dev; /* the other network's, which is there and up */
	struct net_prefix nets[BESIDE_NETS_MAX];
	struct net_prefix dns[BESIDE_DNS_MAX]; /* queries for names go to those and no others */
	size_t n_nets, n_dns;
};

/* Whether those networks leave alone what is the VPN's: its own subnets, and its name servers.
 * -EADDRINUSE. */
int cable_beside_fits(const struct cable_beside *b, const struct record *r, struct err *e);

/* Closes the namespace of the sockets for good, but for the cable and those ways by b->dev. What is
 * closed already is closed in that way. Also lets b->dev answer who comes by it, wherever they come
 * from. */
int cable_beside(struct nl_sock *s, struct nl_sock *nft, const char *cable,
		 const struct cable_beside *b, struct err *e);

/* Returns 1 if all is as cable_beside() made it, or 0, or -errno. Of the firewall it sees whether
 * it is there. */
int cable_beside_is_so(struct nl_sock *s, struct nl_sock *nft, const struct cable_beside *b,
		       struct err *e);

/* Opens again what this or cable_alone() closed. */
void cable_beside_undo(struct nl_sock *s, struct nl_sock *nft);
