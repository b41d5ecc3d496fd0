/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of lease.h as arithmetic. The firewall's static pairs, the broker's names and the
 * launcher's addresses all come from here, so that they cannot differ.
 */
#include "state/lease.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t lease_max(const struct lease_pool *pool)
{
	uint32_t hosts = (1u << (32 - pool->plen)) - 2; /* without network and broadcast */

	return hosts < 1023 ? hosts : 1023;
}

void lease_port(const struct lease_pool *pool, uint32_t h, char ret[LEASE_IF_LEN])
{
	snprintf(ret, LEASE_IF_LEN, "vr%u.%u", pool->id, h & 0xffff);
}

struct in_addr lease_ip4(const struct lease_pool *pool, uint32_t h)
{
	struct in_addr a = {.s_addr = htonl(ntohl(pool->subnet4.s_addr) + h)};

	return a;
}

struct in6_addr lease_ip6(const struct lease_pool *pool, uint32_t h)
{
	struct in6_addr a = {.s6_addr = {0xfd, 0x76, 0x70, 0x6e, 0x72, 0x75, 0, pool->id}};

	a.s6_addr[14] = (uint8_t)(h >> 8);
	a.s6_addr[15] = (uint8_t)h;
	return a;
}

void lease_mac(const struct lease_pool *pool, uint32_t h, uint8_t ret[6])
{
	const uint8_t mac[6] = {0x02, 0x76, 0x70, pool->id, (uint8_t)(h >> 8), (uint8_t)h};

	memcpy(ret, mac, sizeof(mac));
}

uint32_t lease_from_mac(const uint8_t mac[6])
{
	return (uint32_t)mac[4] << 8 | mac[5];
}

uint32_t lease_from_port(const struct lease_pool *pool, const char *port)
{
	char prefix[8], back[LEASE_IF_LEN];
	unsigned long h;
	char *end;

	snprintf(prefix, sizeof(prefix), "vr%u.", pool->id);
	if (strncmp(port, prefix, strlen(prefix)) != 0)
		return 0;
	h = strtoul(port + strlen(prefix), &end, 10);
	if (*end || h < 2 || h > lease_max(pool))
		return 0;
	lease_port(pool, (uint32_t)h, back);
	return strcmp(port, back) ? 0 : (uint32_t)h;
}
