/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefixes of IPv4 and IPv6, by bits. Pure.
 */
#include "base/prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"

static uint8_t bits_of(int family)
{
	return family == AF_INET ? 32 : 128;
}

void prefix_mask(const struct net_prefix *p, uint8_t *ret, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++) {
		unsigned int bits = p->len > i * 8 ? p->len - i * 8 : 0;

		ret[i] = bits >= 8 ? 0xff : (uint8_t)(0xff00u >> bits);
	}
}

int prefix_parse(const char *text, struct net_prefix *ret)
{
	const char *slash = strchr(text, '/');
	struct net_prefix p = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	char addr[INET6_ADDRSTRLEN];
	uint64_t len = bits_of(p.family);
	uint8_t mask[16];

	if (str_fmt(addr, sizeof(addr), "%.*s", slash ? (int)(slash - text) : (int)strlen(text),
		    text) < 0 ||
	    inet_pton(p.family, addr, p.addr) != 1 ||
	    (slash && str_uint(slash + 1, 0, len, &len) < 0))
		return -EINVAL;
	p.len = (uint8_t)len;
	prefix_mask(&p, mask, sizeof(mask));
	for (size_t i = 0; i < sizeof(mask); i++)
		if (p.addr[i] & ~mask[i])
			return -EINVAL;
	*ret = p;
	return 0;
}

bool prefix_has(const struct net_prefix *a, const struct net_prefix *b)
{
	uint8_t mask[16];

	if (a->family != b->family || a->len > b->len)
		return false;
	prefix_mask(a, mask, sizeof(mask));
	for (size_t i = 0; i < sizeof(mask); i++)
		if ((b->addr[i] & mask[i]) != a->addr[i])
			return false;
	return true;
}

bool prefix_equal(const struct net_prefix *a, const struct net_prefix *b)
{
	return a->len == b->len && prefix_has(a, b);
}

struct net_prefix prefix_of_addr(int family, const void *addr)
{
	struct net_prefix p = {.family = family, .len = bits_of(family)};

	memcpy(p.addr, addr, p.len / 8);
	return p;
}
