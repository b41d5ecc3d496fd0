/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a table of nftables is as it was made: a number that changes with every rule, chain, set
 * and flag of it, and with nothing that the table does by itself.
 */
#pragma once

#include <stdint.h>

#include "nl/sock.h"

/* s is a NETLINK_NETFILTER socket, family an NFPROTO_*. -ENOENT: there is no such table. */
int nft_table_digest(struct nl_sock *s, uint8_t family, const char *table, uint64_t *ret,
		     struct err *e);
