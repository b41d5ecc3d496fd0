/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything of a kind that a network namespace has, to be compared with what it should have.
 * Arrays are the caller's to free. Needs no privilege.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "nl/rule.h"
#include "nl/sock.h"

struct nl_addr {
	int family, ifindex;
	uint8_t plen;
	uint8_t addr[16]; /* zeroed behind the address, here and below */
};

struct nl_route {
	int family, oif;
	uint32_t table, metric;
	uint8_t type; /* RTN_UNICAST, ... */
	uint8_t plen;
	uint8_t dst[16], gateway[16];
};

struct nl_neigh {
	int family, ifindex;
	uint16_t state; /* NUD_PERMANENT, ... */
	uint8_t addr[16], mac[6];
};

int nl_addr_list(struct nl_sock *s, struct nl_addr **ret, size_t *ret_n, struct err *e);
/* The routes of every table. A route with several ways has none of them here: ours have one. */
int nl_route_list(struct nl_sock *s, struct nl_route **ret, size_t *ret_n, struct err *e);
struct nl_neighs {
	struct nl_neigh *at;
	size_t n;
};
/* Those of one family and device. */
int nl_neigh_list(struct nl_sock *s, int family, int ifindex, struct nl_neighs *ret, struct err *e);
