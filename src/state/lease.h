/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lease is a name: host number h of VPN id is the port "vrID.H", one IPv4, one IPv6 and one MAC
 * address, everywhere and always. Pure arithmetic; the kernel is the table.
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>
#include <sys/types.h>

#define LEASE_IF_LEN 16
#define LEASE_CABLE  "vpn0" /* the sandbox's end of every cable */

/* A port's group is its owner's uid, and with this bit the sandbox may use the VPN's own cable to
 * the LAN. No account has a uid so high. */
#define LEASE_LAN (1u << 31)
static inline uid_t lease_owner(uint32_t group)
{
	return group & ~LEASE_LAN;
}

struct lease_pool {
	uint8_t id;
	uint8_t plen;		/* of the IPv4 subnet */
	struct in_addr subnet4; /* network address */
};

/* Hosts are 2..lease_max(); 1 is the bridge. A bridge takes 1023 ports. */
uint32_t lease_max(const struct lease_pool *pool);

void lease_port(const struct lease_pool *pool, uint32_t h, char ret[LEASE_IF_LEN]);
struct in_addr lease_ip4(const struct lease_pool *pool, uint32_t h);
struct in6_addr lease_ip6(const struct lease_pool *pool, uint32_t h); /* fd76:706e:7275:ID::H */
void lease_mac(const struct lease_pool *pool, uint32_t h, uint8_t ret[6]);

/* The h of a port's name, 0 if it is no port of this pool. */
uint32_t lease_from_port(const struct lease_pool *pool, const char *port);
/* The h of an address that lease_mac() gave. */
uint32_t lease_from_mac(const uint8_t mac[6]);
