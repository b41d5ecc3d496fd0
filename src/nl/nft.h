/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether nftables rules are there, asked cheaply; writing them is libnftables' part.
 */
#pragma once

#include "nl/sock.h"

struct nft_count {
	unsigned int inet, bridge; /* rules by the family of their table */
};

/* The rules of the tables called table, in the namespace of s (a NETLINK_NETFILTER socket). No such
 * table: 0. */
int nft_rules_count(struct nl_sock *s, const char *table, struct nft_count *ret, struct err *e);
