/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes, ip-route(8): one function per verb, same word order. Errors name the whole object.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nl/sock.h"

struct rtnl_route {
	int family;
	const void *dst; /* NULL: default */
	uint8_t plen;
	const void *gateway; /* NULL: on link */
	bool onlink;	     /* the gateway needs no route of its own */
	int oif;
	uint32_t metric;  /* 0: the kernel's default */
	uint8_t table;	  /* 0: main */
	bool unreachable; /* no device then */
};
/* Absent: 0. */
int rtnl_route_delete(struct nl_sock *s, const struct rtnl_route *r, struct err *e);
int rtnl_route_replace(struct nl_sock *s, const struct rtnl_route *r, const char *dev,
		       struct err *e);

struct rtnl_target {
	int family;
	const void *addr;
	uint32_t mark; /* of the packet, 0: none */
};
struct rtnl_way {
	int oif;
	uint32_t mtu; /* the route's own, 0: the device's */
};
/* How the kernel would reach it. */
int rtnl_route_get(struct nl_sock *s, const struct rtnl_target *to, struct rtnl_way *ret,
		   struct err *e);

/* A default route of the main table. */
struct rtnl_default {
	int oif; /* asked for: 0, any; 0: there is none */
	bool has_gateway;
	bool is_via; /* its gateway is of the other family */
	uint8_t gateway[16];
	uint32_t metric;
};
/* The one that counts first, by that device. Of one that has several ways (nexthop) it is the first
 * that is not down. */
int rtnl_default_find(struct nl_sock *s, int family, struct rtnl_default *d, struct err *e);

/* Whether what is sent to addr arrives here: 1, 0. */
int rtnl_addr_is_local(struct nl_sock *s, int family, const void *addr, struct err *e);

/* Says which routes of a table are meant. */
struct rtnl_routes {
	int family;
	uint8_t table;
	int oif;	 /* 0: by any device */
	const void *dst; /* those that have this address in them; NULL: any */
	/* Not ours, whose protocol is the kernel's as that of nobody else's in a table of its own
	 * is. */
	bool others;
};
int rtnl_route_count(struct nl_sock *s, const struct rtnl_routes *q, size_t *ret, struct err *e);

/* A builder for batches that one nl_call() sends. */
void rtnl_put_route(struct nl_msg *m, const struct rtnl_route *r);

/* Finds on-link prefixes that must not overlap: calls fn for each route of the main table that has
 * a prefix length above 0. */
struct rtnl_route_walk {
	void (*begin)(void *arg); /* throws away what was collected; NULL: nothing is */
	int (*fn)(int family, const void *dst, uint8_t plen, int oif, void *arg);
	void *arg;
};
int rtnl_route_for_each(struct nl_sock *s, int family, const struct rtnl_route_walk *w,
			struct err *e);
