/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See value.h. Strict on purpose: what wg(8) would take and the kernel then misread or refuse is
 * refused here, by name. value_show() is the one gate between a file's text and a message, since a
 * key may have been pasted where an address belongs.
 */
#include "conf/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t *ipaddr_bytes(const struct ipaddr *a)
{
	return a->family == AF_INET ? (const uint8_t *)&a->v4 : a->v6.s6_addr;
}

static unsigned int ipaddr_bits(const struct ipaddr *a)
{
	return a->family == AF_INET ? 32 : 128;
}

int ipaddr_parse(const char *text, struct ipaddr *ret)
{
	struct ipaddr a = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	uint64_t plen = ipaddr_bits(&a);
	char host[INET6_ADDRSTRLEN];

	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(a.family, host, a.family == AF_INET ? (void *)&a.v4 : (void *)&a.v6) != 1)
		return -EINVAL;
	if (slash && str_uint(slash + 1, 0, ipaddr_bits(&a), &plen) < 0)
		return -EINVAL;
	a.plen = (uint8_t)plen;
	*ret = a;
	return 0;
}

int ipaddr_append(struct ipaddr **list, size_t *n, const struct ipaddr *a, const char *text)
{
	char *copy = strdup(text);
	struct ipaddr *place = copy ? model_grow(list, *n, sizeof(**list)) : NULL;

	if (!place) {
		free(copy);
		return -ENOMEM;
	}
	*place = *a;
	place->text = copy;
	++*n;
	return 0;
}

static bool prefix_equal(const uint8_t *a, const uint8_t *b, unsigned int plen)
{
	unsigned int whole = plen / 8, rest = plen % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return !rest || !((a[whole] ^ b[whole]) & (0xff00u >> rest) & 0xff);
}

bool ipaddr_contains(const struct ipaddr *net, const struct ipaddr *a)
{
	return net->family == a->family && net->plen <= a->plen &&
	       prefix_equal(ipaddr_bytes(net), ipaddr_bytes(a), net->plen);
}

bool ipaddr_overlaps(const struct ipaddr *a, const struct ipaddr *b)
{
	return ipaddr_contains(a, b) || ipaddr_contains(b, a);
}

const struct ipaddr tailnets[2] = {
	{.family = AF_INET, .v6.s6_addr = {100, 64}, .plen = 10}, /* its first four bytes are v4 */
	{.family = AF_INET6, .v6.s6_addr = {0xfd, 0x7a, 0x11, 0x5c, 0xa1, 0xe0}, .plen = 48},
};

bool ipaddr_is_tailnet(const struct ipaddr *a)
{
	return ipaddr_contains(&tailnets[0], a) || ipaddr_contains(&tailnets[1], a);
}

bool ipaddr_has_host_bits(const struct ipaddr *a)
{
	const uint8_t *b = ipaddr_bytes(a);
	unsigned int i;

	for (i = a->plen; i < ipaddr_bits(a); i++)
		if (b[i / 8] & (0x80u >> (i % 8)))
			return true;
	return false;
}

int ipaddr_compare(const struct ipaddr *a, const struct ipaddr *b)
{
	unsigned int i, bytes = ipaddr_bits(a) / 8;

	if (a->family != b->family)
		return a->family - b->family;
	if (a->plen != b->plen)
		return a->plen - b->plen;
	for (i = 0; i < bytes && i * 8 < a->plen; i++) {
		unsigned int keep = a->plen - i * 8;
		unsigned int mask = keep >= 8 ? 0xff : (0xff00u >> keep) & 0xff;
		int d = (int)(ipaddr_bytes(a)[i] & mask) - (int)(ipaddr_bytes(b)[i] & mask);

		if (d)
			return d;
	}
	return 0;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

void wgkey_clamp(uint8_t key[WG_KEY_LEN])
{
	key[0] &= 0xf8;
	key[WG_KEY_LEN - 1] = (key[WG_KEY_LEN - 1] & 0x7f) | 0x40;
}

int wgkey_parse(const char *text, uint8_t ret[WG_KEY_LEN])
{
	uint8_t key[WG_KEY_LEN + 1] = {0}; /* 43 digits are 258 bits */
	uint8_t any = 0;
	size_t i, bit;
	int r = -EINVAL;

	if (strlen(text) != 44 || text[43] != '=')
		return -EINVAL;
	for (i = 0; i < 43; i++) {
		int v = base64_digit(text[i]);

		if (v < 0)
			goto out;
		for (bit = 0; bit < 6; bit++)
			if (v & (0x20 >> bit))
				key[(i * 6 + bit) / 8] |= (uint8_t)(0x80u >> ((i * 6 + bit) % 8));
	}
	for (i = 0; i < WG_KEY_LEN; i++)
		any |= key[i];
	if (key[WG_KEY_LEN] || !any)
		goto out;
	memcpy(ret, key, WG_KEY_LEN);
	r = 0;
out:
	util_wipe(key, sizeof(key));
	return r;
}

bool domain_is_valid(const char *text)
{
	size_t i, label = 0;

	for (i = 0; text[i]; i++) {
		if (text[i] == '.') {
			if (!label)
				return false;
			label = 0;
			continue;
		}
		if (!(str_is_alnum(text[i]) || text[i] == '_' || (text[i] == '-' && label)))
			return false;
		if (++label > 63)
			return false;
	}
	return i > 0 && i <= 253;
}

/* "1.2.3", "300.1.1.1": the C library would read these as numbers of its own fancy. */
static bool looks_numeric(const char *host)
{
	return host[strspn(host, "0123456789.")] == '\0';
}

static int host_check(const char *host, bool bracketed, bool *ret_is_name, const char **ret_why)
{
	char bare[INET6_ADDRSTRLEN];
	size_t len = strcspn(host, "%");
	struct in6_addr v6;
	struct in_addr v4;

	*ret_is_name = false;
	if (!bracketed && inet_pton(AF_INET, host, &v4) == 1)
		return 0;
	if (len < sizeof(bare)) {
		memcpy(bare, host, len);
		bare[len] = '\0';
		if (inet_pton(AF_INET6, bare, &v6) == 1 &&
		    (!host[len] || str_is_device_name(host + len + 1))) {
			/* A zone makes it something only getaddrinfo(3) can read. */
			*ret_is_name = host[len] == '%';
			return 0;
		}
	}
	if (bracketed || strchr(host, ':')) {
		*ret_why = "is not an IPv6 address";
		return -EINVAL;
	}
	if (looks_numeric(host)) {
		*ret_why = "is not an IPv4 address";
		return -EINVAL;
	}
	if (!domain_is_valid(host)) {
		*ret_why = "is neither an address nor a host name";
		return -EINVAL;
	}
	*ret_is_name = true;
	return 0;
}

int endpoint_parse(const char *text, struct tunnel_peer *peer, const char **ret_why)
{
	AUTO_FREE char *copy = strdup(text);
	AUTO_FREE char *whole = strdup(text);
	const char *why = NULL;
	bool bracketed, is_name;
	char *host = copy, *colon;
	uint64_t port;

	*ret_why = "cannot be kept: out of memory";
	if (!copy || !whole)
		return -ENOMEM;
	bracketed = copy[0] == '[';
	colon = strrchr(copy, ':');
	*ret_why = "has no port: HOST:PORT is needed";
	if (!colon || colon == copy || !colon[1])
		return -EINVAL;
	*colon = '\0';
	if (bracketed) {
		*ret_why = "is not of the form [IPv6]:PORT";
		if (colon[-1] != ']')
			return -EINVAL;
		colon[-1] = '\0';
		host++;
	} else if (strchr(host, ':')) {
		why = "is read as an IPv6 address and a port; write [IPv6]:PORT";
	}
	if (host_check(host, bracketed, &is_name, ret_why) < 0)
		return -EINVAL;
	*ret_why = "has no port between 1 and 65535";
	if (str_uint(colon + 1, 1, 65535, &port) < 0)
		return -EINVAL;
	host = strdup(host);
	*ret_why = "cannot be kept: out of memory";
	if (!host)
		return -ENOMEM;
	free(peer->host);
	free(peer->endpoint);
	peer->host = host;
	peer->endpoint = whole;
	whole = NULL;
	peer->port = (uint16_t)port;
	peer->endpoint_is_name = is_name;
	*ret_why = why;
	return 0;
}

const char *value_show(const char *text, char buf[VALUE_SHOW_MAX])
{
	size_t i, run = 0, len = strlen(text);

	if (len > VALUE_SHOW_MAX - 3)
		return "(a long text)";
	for (i = 0; i < len; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return "(not printable)";
		run = base64_digit(text[i]) >= 0 || text[i] == '=' ? run + 1 : 0;
		/* No address, port or usual label is that long; half a key is. */
		if (run >= 20)
			return "(not shown: it may hold a key)";
	}
	snprintf(buf, VALUE_SHOW_MAX, "'%s'", text);
	return buf;
}
