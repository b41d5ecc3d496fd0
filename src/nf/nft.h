/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nftables without libnftables: what is asked cheaply, and the one table that is
 * made where there is no time for more. The firewalls proper are wall/firewall's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nl/sock.h"

/* A table of the family inet with one chain: what is sent from the namespace of s leaves by those
 * devices or is dropped, whatever device a socket is bound to. One that is there is replaced. One
 * transaction. */
int nft_out_only_by(struct nl_sock *s, const char *table, const int *ifindexes, size_t n,
		    struct err *e);
/* A table of that family. Absent: 0. */
int nft_table_delete(struct nl_sock *s, uint8_t family, const char *table, struct err *e);
int nft_table_exists(struct nl_sock *s, const char *table, struct err *e); /* 1, 0 */

/* The packets of a named counter of a table of the family inet. */
int nft_counter_get(struct nl_sock *s, const char *table, const char *counter, uint64_t *ret,
		    struct err *e);

struct nft_chain {
	char family[8]; /* "ip", "ip6", "inet" */
	char table[32], chain[32];
	bool drops; /* by policy; else it is only there */
};
/* A chain that forwarded packets of that family (AF_INET, AF_INET6) go through and whose table's
 * name does not begin with ours; of several one that drops by policy. 1: found; 0: there is none.
 * One whose name no command could be given as it is counts as none. */
int nft_forward_chain_find(struct nl_sock *s, int family, const char *ours, struct nft_chain *ret,
			   struct err *e);
