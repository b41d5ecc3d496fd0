/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Warns of what a user should know about a tunnel that is valid: what will be unreachable, which
 * names will not resolve, which lines contradict each other. Adds warnings, changes nothing else.
 * Called by whoever has the whole of a tunnel, and so by no parser: conf/load.c for a profile,
 * `check` and `import` for a file. Also names: a VPN's out of a file's.
 */
#include "conf/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool any_allowed(const struct tunnel *t, int family)
{
	size_t i, k;

	for (i = 0; i < t->n_peers; i++)
		for (k = 0; k < t->peers[i].n_allowed; k++)
			if (t->peers[i].allowed[k].family == family)
				return true;
	return false;
}

static bool is_routed(const struct tunnel *t, const struct ipaddr *a)
{
	size_t i, k;

	for (i = 0; i < t->n_peers; i++)
		for (k = 0; k < t->peers[i].n_allowed; k++)
			if (ipaddr_contains(&t->peers[i].allowed[k], a))
				return true;
	return false;
}

/* 0.0.0.0/0, or the two halves that some write in its place. */
static bool covers_all(const struct tunnel *t, int family)
{
	struct ipaddr low = {.family = family, .plen = 1}, high = low;

	if (family == AF_INET)
		high.v4.s_addr = htonl(0x80000000u);
	else
		high.v6.s6_addr[0] = 0x80;
	return is_routed(t, &low) && is_routed(t, &high);
}

static int review_families(const char *file, struct tunnel *t)
{
	static const struct {
		int family;
		const char *name;
	} families[] = {{AF_INET, "IPv4"}, {AF_INET6, "IPv6"}};
	size_t i;
	int r = 0;

	for (i = 0; i < ARRAY_SIZE(families) && r == 0; i++) {
		int family = families[i].family;
		const char *name = families[i].name;
		bool address = tunnel_has_address(t, family), allowed = any_allowed(t, family);

		if (allowed && !address)
			r = tunnel_warn(t,
					"%s: AllowedIPs has %s but Address has none: %s will be "
					"unreachable",
					file, name, name);
		else if (address && !allowed)
			r = tunnel_warn(t,
					"%s: Address has %s but AllowedIPs has none: %s will be "
					"unreachable",
					file, name, name);
		else if (allowed && !covers_all(t, family))
			r = tunnel_warn(t,
					"%s: AllowedIPs does not cover all of %s: the rest will be "
					"unreachable, not sent around the tunnel",
					file, name);
	}
	if (r == 0 && t->mtu && t->mtu < 1280 && tunnel_has_address(t, AF_INET6))
		r = tunnel_warn(
			t,
			"%s: MTU is below 1280, the least that IPv6 works with: IPv6 will be "
			"unreachable",
			file);
	return r;
}

static bool is_loopback(const struct ipaddr *a)
{
	if (a->family == AF_INET)
		return ntohl(a->v4.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->v6);
}

static int review_dns(const char *file, struct tunnel *t)
{
	size_t i;
	int r = 0;

	if (!t->n_dns)
		return tunnel_warn(
			t,
			"%s: no DNS server is given: names will not resolve inside, only "
			"addresses work",
			file);
	for (i = 0; i < t->n_dns && i < 8 && r == 0; i++)
		if (is_loopback(&t->dns[i]))
			r = tunnel_warn(t,
					"%s: DNS server %s is this machine's own, which no program "
					"inside can ask: give the provider's",
					file, t->dns[i].text);
		else if (!is_routed(t, &t->dns[i]) || !tunnel_has_address(t, t->dns[i].family))
			r = tunnel_warn(t,
					"%s: DNS server %s cannot be reached through this tunnel",
					file, t->dns[i].text);
	if (r == 0 && t->n_dns > 3)
		r = tunnel_warn(t, "%s: programs ask the first 3 of these %zu DNS servers only",
				file, t->n_dns);
	return r;
}

struct claim {
	const struct ipaddr *a;
	size_t peer;
};

static int claim_compare(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int d = ipaddr_compare(x->a, y->a);

	if (d)
		return d;
	return x->peer < y->peer ? -1 : x->peer > y->peer;
}

/* The kernel gives a prefix to the last peer that claims it, and says nothing. */
static int review_claims(const char *file, struct tunnel *t)
{
	AUTO_FREE struct claim *claims = NULL;
	size_t i, k, n = 0;
	int r = 0;

	for (i = 0; i < t->n_peers; i++)
		n += t->peers[i].n_allowed;
	if (!n)
		return 0;
	claims = calloc(n, sizeof(*claims));
	if (!claims)
		return -ENOMEM;
	for (i = 0, n = 0; i < t->n_peers; i++)
		for (k = 0; k < t->peers[i].n_allowed; k++)
			claims[n++] = (struct claim){&t->peers[i].allowed[k], i};
	qsort(claims, n, sizeof(*claims), claim_compare);
	for (i = 1; i < n && r == 0; i++)
		if (ipaddr_compare(claims[i - 1].a, claims[i].a) == 0 &&
		    claims[i - 1].peer != claims[i].peer)
			r = tunnel_warn(t,
					"%s:%d: AllowedIPs: %s is the [Peer]'s of line %d too; the "
					"last one gets it",
					file, t->peers[claims[i].peer].line, claims[i].a->text,
					t->peers[claims[i - 1].peer].line);
	return r;
}

static int peer_compare(const void *a, const void *b)
{
	const struct tunnel_peer *const *x = a, *const *y = b;
	int d = memcmp((*x)->public_key, (*y)->public_key, WG_KEY_LEN);

	return d ? d : (*x)->line - (*y)->line;
}

static int review_peers(const char *file, struct tunnel *t)
{
	AUTO_FREE const struct tunnel_peer **sorted = calloc(t->n_peers + 1, sizeof(*sorted));
	bool endpoint = false;
	size_t i;
	int r = 0;

	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < t->n_peers; i++) {
		sorted[i] = &t->peers[i];
		endpoint |= t->peers[i].endpoint != NULL;
	}
	qsort(sorted, t->n_peers, sizeof(*sorted), peer_compare);
	for (i = 1; i < t->n_peers && r == 0; i++)
		if (!memcmp(sorted[i - 1]->public_key, sorted[i]->public_key, WG_KEY_LEN))
			r = tunnel_warn(
				t,
				"%s:%d: PublicKey: is that of the [Peer] of line %d: the two "
				"are one peer to WireGuard",
				file, sorted[i]->line, sorted[i - 1]->line);
	if (r == 0 && !endpoint)
		r = tunnel_warn(t,
				"%s: no [Peer] has an Endpoint: the tunnel can only wait for the "
				"other side to begin",
				file);
	return r;
}

int tunnel_review(const char *file, struct tunnel *t)
{
	int r = review_families(file, t);

	if (r == 0)
		r = review_dns(file, t);
	if (r == 0)
		r = review_peers(file, t);
	if (r == 0)
		r = review_claims(file, t);
	return r;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Keeps what is legal of a file's name: "Proton NL-FREE#12.conf" -> "Proton-NL-FREE-12". */
static void legal_stem(const char *path, char *ret, size_t size)
{
	const char *base = base_name(path);
	size_t len = strlen(base), i, n = 0;

	if (len > 5 && !strcasecmp(base + len - 5, ".conf"))
		len -= 5;
	for (i = 0; i < len && n < size - 1; i++) {
		if (str_is_alnum(base[i]) || (n && (base[i] == '-' || base[i] == '_')))
			ret[n++] = base[i];
		else if (n && ret[n - 1] != '-')
			ret[n++] = '-';
	}
	while (n && (ret[n - 1] == '-' || ret[n - 1] == '_'))
		n--;
	ret[n] = '\0';
}

#define NUMBER_LEN 6u

/* The last number in it, of which a server is known; "" if that is within what stays anyway. */
static void last_number(const char *stem, char ret[NUMBER_LEN + 1])
{
	size_t end = strlen(stem), len = 0;

	while (end > NAME_MAX_LEN && !(stem[end - 1] >= '0' && stem[end - 1] <= '9'))
		end--;
	if (end > NAME_MAX_LEN)
		while (len < NUMBER_LEN && stem[end - len - 1] >= '0' && stem[end - len - 1] <= '9')
			len++;
	memcpy(ret, stem + end - len, len);
	ret[len] = '\0';
}

/* Makes "b", "c", ... "z", "ab", ...: what tells the second and the third apart. */
static void letters_of(unsigned int turn, char ret[4])
{
	size_t n = 0;

	for (; turn && n < 3; turn /= 26)
		ret[n++] = (char)('a' + turn % 26);
	ret[n] = '\0';
}

int conf_name_choose(const char *path, unsigned int turn, char ret[NAME_MAX_LEN + 1])
{
	char stem[256], number[NUMBER_LEN + 1] = "", letters[4], name[NAME_MAX_LEN + 1];
	size_t room = NAME_MAX_LEN;

	legal_stem(path, stem, sizeof(stem));
	letters_of(turn, letters);
	if (strlen(stem) > NAME_MAX_LEN)
		last_number(stem, number);
	room -= strlen(letters) + (number[0] ? 1 + strlen(number) : 0);
	if (strlen(stem) > room)
		stem[room] = '\0';
	for (size_t n = strlen(stem); n && (stem[n - 1] == '-' || stem[n - 1] == '_'); n--)
		stem[n - 1] = '\0';
	if (str_fmt(name, sizeof(name), "%s%s%s%s", stem, letters, number[0] ? "-" : "", number) <
		    0 ||
	    !stem[0] || !str_is_vpn_name(name))
		return -EINVAL;
	memcpy(ret, name, sizeof(name));
	return 0;
}

int conf_name_from_path(const char *path, char ret[NAME_MAX_LEN + 1])
{
	return conf_name_choose(path, 0, ret);
}

bool conf_name_is_plain(const char *path, const char *name)
{
	const char *base = base_name(path);
	size_t len = strlen(base), n = strlen(name);

	return !strncmp(base, name, n) &&
	       (len == n || (len == n + 5 && !strcasecmp(base + n, ".conf")));
}

int conf_warn_name(const char *path, struct tunnel *t)
{
	const char *base = base_name(path);
	char name[NAME_MAX_LEN + 1], stem[16];
	size_t len = strlen(base);
	bool is_conf = len > 5 && !strcmp(base + len - 5, ".conf");

	if (is_conf && len - 5 < sizeof(stem)) {
		memcpy(stem, base, len - 5);
		stem[len - 5] = '\0';
		if (str_is_vpn_name(stem))
			return 0;
		if (!str_is_device_name(stem))
			is_conf = false;
	} else {
		is_conf = false;
	}
	if (conf_name_from_path(path, name) < 0)
		return tunnel_warn(
			t,
			"%s: no VPN's name can be made of this file's name: import it with "
			"--name NAME",
			path);
	return tunnel_warn(t,
			   "%s: this file's name is not %s; import calls the VPN '%s' (--name NAME "
			   "for another)",
			   path, is_conf ? "a VPN's name" : "an interface name with .conf", name);
}
