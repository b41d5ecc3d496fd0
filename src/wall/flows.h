/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel remembers these of a way that is no more: connections that are tracked with the source
 * address of the old one, and sockets that send from an address which is going.
 */
#pragma once

#include "conf/model.h"
#include "state/record.h"

/* How many connections a sandbox may have: its share of what the kernel keeps track of. */
uint32_t flows_per_lease(const struct lease_pool *pool);

/* Forgets connections whose packets would go on with another source address than the profile's way
 * gives them. All others live on. */
int flows_forget_stale(const struct profile *p, int ns_fd, struct err *e);

/* Forgets all connections of the VPN's programs: it is going. */
int flows_forget(const struct record *r, int ns_fd, struct err *e);

/* Forgets what sandboxes have opened that are no more; and what was opened to those of gone, by
 * host number, unless who has the number now has open ports too. */
#define FLOWS_HOSTS 1024 /* a bridge takes 1023 ports */
int flows_forget_gone(const struct record *r, int ns_fd, const uint8_t gone[FLOWS_HOSTS],
		      struct err *e);

/* Forgets what came in by open ports to whoever had that host number. */
int flows_forget_inbound(const struct record *r, int ns_fd, uint32_t host, struct err *e);

/* Forgets connections of this namespace that were given one of these source addresses (NULL: none),
 * but for those of bridge's sandboxes and clients (NULL: it is not here). */
int flows_forget_given(const struct in_addr *a4, const struct in6_addr *a6,
		       const struct lease_pool *bridge, struct err *e);
