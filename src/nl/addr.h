/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and neighbours, ip-address(8) and ip-neighbour(8). Those called "put" are builders for
 * batches that one nl_call() sends. An address is a struct in_addr or in6_addr, by its family.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/prefix.h"
#include "nl/sock.h"

/* Bytes of an address of that family. */
size_t rtnl_addr_len(int family);
/* "10.20.1.0/24"; without an address "default". Returns buf, or a constant. */
#define RTNL_PREFIX_LEN 64
const char *rtnl_prefix_text(int family, const void *addr, uint8_t plen, char buf[RTNL_PREFIX_LEN]);

struct rtnl_addr {
	int family;
	const void *addr;
	uint8_t plen;
	bool no_prefix_route;
};
/* IPv6: without duplicate address detection. */
void rtnl_put_addr(struct nl_msg *m, int ifindex, const struct rtnl_addr *a);
/* Takes it away, with that prefix length alone. Absent: 0. */
int rtnl_addr_delete(struct nl_sock *s, int ifindex, const struct rtnl_addr *a, struct err *e);

/* Those of a device that are not of its link alone, each a network of its own. */
struct rtnl_addrs {
	struct net_prefix *at; /* the caller's room ... */
	size_t max;	       /* ... for as many */
	size_t n;
};
/* -E2BIG: there is no room for all. */
int rtnl_addr_list(struct nl_sock *s, int ifindex, struct rtnl_addrs *ret, struct err *e);

/* A permanent neighbour. */
void rtnl_put_neigh(struct nl_msg *m, int ifindex, int family, const void *addr,
		    const uint8_t mac[6]);
/* Forgets a neighbour, and what waits for its answer. -ENOENT: it is not known. */
void rtnl_put_neigh_gone(struct nl_msg *m, int ifindex, int family, const void *addr);
