/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nftables without libnftables: whether rules are there, asked cheaply, and the one table that is
 * made where there is no time for more. The firewalls proper are vpn/firewall's.
 */
#pragma once

#include "nl/sock.h"

struct nft_count {
	unsigned int inet, bridge; /* rules by the family of their table */
};

/* The rules of the tables called table, in the namespace of s (a NETLINK_NETFILTER socket). No such
 * table: 0. */
int nft_rules_count(struct nl_sock *s, const char *table, struct nft_count *ret, struct err *e);

/* A table of the family inet with one chain: what is sent from the namespace of s leaves by those
 * devices or is dropped, whatever device a socket is bound to. One that is there is replaced. One
 * transaction. */
int nft_out_only_by(struct nl_sock *s, const char *table, const int *ifindexes, size_t n,
		    struct err *e);
/* Of that family. Absent: 0. */
int nft_table_delete(struct nl_sock *s, const char *table, struct err *e);
int nft_table_exists(struct nl_sock *s, const char *table, struct err *e); /* 1, 0 */
