/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decisions that follow from a profile alone. Pure.
 */
#include "conf/plan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "conf/value.h"

struct lease_pool plan_pool(const struct profile *p)
{
	struct lease_pool pool = {
		.id = (uint8_t)p->id,
		.plen = p->subnet4_plen,
		.subnet4 = p->subnet4,
	};

	return pool;
}

static bool is_allowed_family(const struct tunnel *t, int family)
{
	for (size_t i = 0; i < t->n_peers; i++)
		for (size_t j = 0; j < t->peers[i].n_allowed; j++)
			if (t->peers[i].allowed[j].family == family)
				return true;
	return false;
}

const struct ipaddr *plan_source(const struct profile *p, int family)
{
	const struct tunnel *t = &p->tunnel;

	if (!is_allowed_family(t, family))
		return NULL;
	for (size_t i = 0; i < t->n_addresses; i++)
		if (t->addresses[i].family == family)
			return &t->addresses[i];
	return NULL;
}

static uint32_t mask4(uint8_t plen)
{
	return plen ? 0xffffffffu << (32 - plen) : 0;
}

static bool overlaps4(struct in_addr a, uint8_t a_plen, struct in_addr b, uint8_t b_plen)
{
	uint32_t m = mask4(a_plen < b_plen ? a_plen : b_plen);

	return (ntohl(a.s_addr) & m) == (ntohl(b.s_addr) & m);
}

static bool overlaps6(const struct in6_addr *a, uint8_t a_plen, const struct in6_addr *b,
		      uint8_t b_plen)
{
	uint8_t plen = a_plen < b_plen ? a_plen : b_plen;
	uint8_t rest = plen % 8;
	size_t whole = plen / 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return !rest || ((a->s6_addr[whole] ^ b->s6_addr[whole]) >> (8 - rest)) == 0;
}

static bool overlaps(const struct profile *p, const struct ipaddr *a)
{
	struct lease_pool pool = plan_pool(p);
	struct in6_addr net6 = lease_ip6(&pool, 0);

	if (a->family == AF_INET)
		return overlaps4(a->v4, a->plen, p->subnet4, p->subnet4_plen);
	return overlaps6(&a->v6, a->plen, &net6, 64);
}

/* Wholly inside 10/8, 172.16/12, 192.168/16 or 100.64/10; of IPv6, what one site may call its own
 * (a /48 of fc00::/7, RFC 4193). More than that is "the rest", as in lists that leave ranges out.
 */
static bool is_private_prefix(const struct ipaddr *a)
{
	static const struct {
		uint32_t net;
		uint8_t plen;
	} v4[] = {{0x0a000000, 8}, {0xac100000, 12}, {0xc0a80000, 16}, {0x64400000, 10}};
	uint32_t addr = ntohl(a->v4.s_addr);

	if (a->family == AF_INET6)
		return a->plen >= 48 && (a->v6.s6_addr[0] & 0xfe) == 0xfc;
	for (size_t i = 0; i < ARRAY_SIZE(v4); i++)
		if (a->plen >= v4[i].plen && (addr & mask4(v4[i].plen)) == v4[i].net)
			return true;
	return false;
}

bool plan_is_claim(const struct profile *p, const struct ipaddr *a)
{
	return is_private_prefix(a) && overlaps(p, a);
}

static int claim(const struct profile *p, const char *key, const struct ipaddr *a, struct err *e)
{
	char net[INET_ADDRSTRLEN];

	if (a->family == AF_INET6)
		return err_set(
			e, -EADDRINUSE,
			"VPN '%s': %s %s overlaps the sandboxes' own subnet fd76:706e:7275:%x::/64; "
			"set another \"id\" in /etc/vpnrun/%s.json",
			p->name, key, a->text, (unsigned int)p->id, p->name);
	inet_ntop(AF_INET, &p->subnet4, net, sizeof(net));
	return err_set(e, -EADDRINUSE,
		       "VPN '%s': %s %s overlaps the sandboxes' own subnet %s/%u; set another "
		       "\"subnet\" in /etc/vpnrun/%s.json",
		       p->name, key, a->text, net, p->subnet4_plen, p->name);
}

const struct ipaddr *plan_subnet_clash(const struct profile *p, const char **ret_key)
{
	const struct tunnel *t = &p->tunnel;
	const char *key;

	if (!ret_key)
		ret_key = &key;
	*ret_key = "Address";
	for (size_t i = 0; i < t->n_addresses; i++) {
		struct ipaddr one = t->addresses[i];

		/* A provider's generous prefix (10.5.0.2/16) is no claim, the address is. */
		one.plen = one.family == AF_INET ? 32 : 128;
		if (overlaps(p, &one))
			return &t->addresses[i];
	}
	*ret_key = "DNS";
	for (size_t i = 0; i < t->n_dns; i++)
		if (overlaps(p, &t->dns[i]))
			return &t->dns[i];
	*ret_key = "AllowedIPs";
	for (size_t i = 0; i < t->n_peers; i++)
		for (size_t j = 0; j < t->peers[i].n_allowed; j++) {
			const struct ipaddr *a = &t->peers[i].allowed[j];

			if (plan_is_claim(p, a))
				return a;
		}
	return NULL;
}

int plan_check_subnet(const struct profile *p, struct err *e)
{
	const char *key;
	const struct ipaddr *a = plan_subnet_clash(p, &key);

	return a ? claim(p, key, a, e) : 0;
}
