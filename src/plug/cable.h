/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuring the near end of a cable: what a sandbox or a container does in its own namespace.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nl/sock.h"
#include "state/record.h"

/* Whether cables of that VPN carry IPv6. */
bool cable_has_ip6(const struct record *r);

/* Inside the new network namespace, before the cable comes: what it must not do by itself. */
void cable_prepare(const struct record *r);
/* There, at any time: a new one lets nobody ping. */
void cable_let_ping(void);

/* The near end of a cable. */
struct cable_end {
	const char *dev; /* what it is called */
	uint32_t host;	 /* the lease; 0: there is no cable */
	uint8_t table;	 /* where its routes go, 0: main */
};

/* In the namespace of the socket: brings lo up, and the cable, if there is one, with its addresses
 * and routes. One request. */
int cable_up(struct nl_sock *s, const struct record *r, const struct cable_end *end, struct err *e);

/* Called after cable_up(), before anybody is told that there is a network: waits until packets get
 * through, most often not at all. Needs no capability. -ETIMEDOUT. */
int cable_wait(struct nl_sock *s, const struct record *r, const struct cable_end *end,
	       struct err *e);

/* Called as root of the namespace that the caller and the socket are in: where IPv6 was turned off
 * since cable_up(), which took the cable's address, it is turned on for the cable and given back,
 * in a namespace that is closed. */
int cable_again_ip6(struct nl_sock *s, const struct record *r, const struct cable_end *end,
		    struct err *e);
