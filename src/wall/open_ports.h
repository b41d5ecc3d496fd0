/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ports of a VPN's address that lead to a sandbox or to a service, as the kernel's table and
 * the record have them. Reads only; firewall_refresh_ports() puts them into force.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "nl/link.h"
#include "state/inbound.h"
#include "state/record.h"

/* The alias of the cable by which the machine itself is in a VPN: of no sandbox. */
#define OPEN_PORTS_MACHINE "the machine"

/* The ports of that VPN's bridge; ret->at is the caller's to free. */
int open_ports_cables(const struct record *r, int ns_fd, struct inbound_cables *ret, struct err *e);

/* "tcp" or "udp". */
const char *open_ports_proto(uint8_t proto);

/* nft text that makes the firewall's sets say what the kernel's table and the record say now. The
 * caller's to free. */
int open_ports_text(const struct record *r, int vpn_netns_fd, char **ret, struct err *e);
