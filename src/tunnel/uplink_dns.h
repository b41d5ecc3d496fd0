/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of endpoints while the machine's names go through a VPN: asked of the servers that the
 * uplink had, by packets with the mark that leads around the VPN. A tunnel that is dead must not be
 * needed to find the way to its own far end.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "nl/wg.h"
#include "state/record.h"

/* The file in which the uplink's own servers stand while /etc/resolv.conf names those of a VPN. */
#define RESOLV_SAVED	"/etc/resolv.conf.vpnrun-saved"
#define RESOLVED_UPLINK "/run/systemd/resolve/resolv.conf"

/* The "nameserver" lines of a file, but for those of the machine itself. Returns how many, and of a
 * file that is not there 0. -errno and a sentence: one that cannot be read is not an empty one. */
int uplink_dns_parse(const char *path, struct record_ip *ret, int max, struct err *e);

/* The servers that are asked. How many; 0: there is no default to go around, nor is the machine
 * closed until there is one. -errno and a sentence where that cannot be told. */
int uplink_dns_servers(struct record_ip *ret, int max, struct err *e);

/* IPv4 and IPv6 addresses of host, in that order, with that port. Returns how many; 0: there is no
 * default to go around, or nobody answered. Blocks for some seconds at most. */
size_t uplink_dns_resolve(const char *host, uint16_t port, union wg_endpoint *ret, size_t max);
