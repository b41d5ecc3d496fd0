/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sandbox's own end of a cable, for whoever plugged it: the launcher and the container hooks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nl/sock.h"
#include "vpn/record.h"

/* Whether cables of that VPN carry IPv6. */
bool cable_has_ip6(const struct record *r);

/* Brings lo and ifname up in the namespace of the socket, with the addresses and routes of lease
 * host. One request. Needs CAP_NET_ADMIN in the user namespace that owns that namespace. */
int cable_up(struct nl_sock *in_sandbox, const struct record *r, const char *ifname, uint32_t host,
	     struct err *e);
