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

/* Inside the new network namespace, before the cable comes: what it must not do by itself. r may be
 * NULL: no cable will come. */
void cable_prepare(const struct record *r);

/* In the namespace of the socket: brings lo up, and with host not 0 the cable, called dev, with its
 * addresses and routes; those go into table, 0: main. One request. */
int cable_up(struct nl_sock *s, const struct record *r, const char *dev, uint32_t host,
	     uint8_t table, struct err *e);

/* After cable_up(), before anybody is told that there is a network: until packets get through, most
 * often not at all. Needs no capability. -ETIMEDOUT. */
int cable_wait(struct nl_sock *s, const struct record *r, const char *dev, uint32_t host,
	       struct err *e);

/* As root of the namespace that the caller and the socket are in: where IPv6 was turned off since
 * cable_up(), which took the cable's address, it is turned on for the cable and given back, in a
 * namespace that is closed. */
int cable_again_ip6(struct nl_sock *s, const struct record *r, const char *dev, int ifindex,
		    uint32_t host, struct err *e);
