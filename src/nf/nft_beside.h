/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table that keeps a second interface beside a VPN's cable to what was named for it.
 */
#pragma once

#include <stddef.h>

#include "base/prefix.h"
#include "nl/sock.h"

/* What leaves by ifindex: answers to who came by it, neighbour discovery, queries for names to the
 * name servers alone, and everything else to the networks. All other is refused at once where a
 * program sends it, and dropped where it would leave. By lo and the cable goes what will. */
struct nft_beside {
	int cable, ifindex;
	const struct net_prefix *nets, *dns;
	size_t n_nets, n_dns;
};

/* The table is of the family inet; one that is there is replaced. -EMSGSIZE: that are too many
 * networks. */
int nft_out_beside(struct nl_sock *s, const char *table, const struct nft_beside *b, struct err *e);
