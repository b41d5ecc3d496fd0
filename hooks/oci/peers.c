/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Containers that know each other by name, though no packet passes between them. A name is an
 * address of the host's loopback network that follows from it: the container that publishes by its
 * name listens there, the one that reaches it connects there, and there is no list that could be
 * wrong, nor an order in which the two must start. Inside, the same address is the name's in
 * /etc/hosts. Must never write a file that is not the engine's own. Called by want.c and the
 * stages.
 */
#include "oci/hook.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

/* The name of "[INSIDE:]NAME:PORT": an address begins with a digit or a bracket. */
static const char *find_name(const char *value)
{
	size_t n = strspn(value, "0123456789");

	return n && value[n] == ':' ? value + n + 1 : value;
}

bool hook_peer_is(const char *value)
{
	const char *name = find_name(value);
	size_t n = strcspn(name, ":");

	return isalpha((unsigned char)name[0]) && name[n] == ':' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
		       n;
}

/* 127.64.0.0/10: nobody else's by habit, and wide enough that two texts of one machine do not meet.
 * It stays as it is: containers that another version has started are looked for by it. */
static struct in_addr address_of(const char *text)
{
	uint32_t h = 2166136261u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	h = (h ^ h >> 22) & 0x3fffffu;
	return (struct in_addr){.s_addr = htonl(0x7f400000u | h)};
}

static int bad(const char *key, const char *value, struct err *e)
{
	return err_set(e, -EINVAL,
		       "annotation vpnrun: %s=%.60s: of a container NAME:PORT is needed, with /udp "
		       "for UDP; what is not a container is named by its IP address",
		       key, value);
}

static bool read_port(const char *text, size_t len, uint16_t *ret)
{
	char copy[8];
	uint64_t n;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (str_uint(copy, 1, UINT16_MAX, &n) < 0)
		return false;
	*ret = (uint16_t)n;
	return true;
}

static bool read_name(const char *text, size_t len, struct hook_peer *p)
{
	if (len >= sizeof(p->name))
		return false;
	for (size_t i = 0; i < len; i++)
		p->name[i] = (char)tolower((unsigned char)text[i]);
	p->name[len] = '\0';
	p->at = address_of(p->name);
	return strcmp(p->name, "localhost") != 0;
}

/* "[INSIDE:]NAME:PORT[/udp]", which hook_peer_is(). */
static bool parse(const char *value, struct hook_peer *p, struct relay_spec *s)
{
	const char *name = find_name(value), *port = strchr(name, ':') + 1;
	size_t len = strcspn(port, "/");

	s->udp = !strcmp(port + len, "/udp");
	if ((port[len] && !s->udp) || !read_name(name, (size_t)(port - 1 - name), p) ||
	    !read_port(port, len, &s->target))
		return false;
	s->listen = s->target;
	s->at.family = AF_INET;
	memcpy(s->at.addr, &p->at, sizeof(p->at));
	return name == value || read_port(value, (size_t)(name - 1 - value), &s->listen);
}

/* Where the two meet outside. Each NAME:PORT has an address of its own, so that one port serves
 * all: not root's, and not one that somebody publishes on all addresses, these included. */
static uint16_t meet(const struct hook_peer *p, uint16_t port, struct relay_target *ret)
{
	char text[sizeof(p->name) + 8];
	struct in_addr at;

	str_fmt(text, sizeof(text), "%s:%u", p->name, port);
	at = address_of(text);
	ret->family = AF_INET;
	memcpy(ret->addr, &at, sizeof(at));
	return 61616;
}

static int add(struct relay_specs *list, const struct relay_spec *s, struct err *e)
{
	if (list->n == RELAY_SPECS_MAX)
		return err_set(e, -E2BIG, "annotation vpnrun: more than %d ports", RELAY_SPECS_MAX);
	list->at[list->n++] = *s;
	return 0;
}

int hook_peer_publish(struct hook_want *w, const char *value, struct err *e)
{
	/* Who comes is another container, or somebody else on the host. */
	struct relay_spec s = {.strangers = true};
	struct hook_peer p;

	if (find_name(value) != value || !parse(value, &p, &s))
		return bad("publish", value, e);
	s.listen = meet(&p, s.target, &s.at);
	return add(&w->publish, &s, e);
}

int hook_peer_reach(struct hook_want *w, const char *value, struct err *e)
{
	struct relay_spec s = {.udp = false};
	struct hook_peer p;

	if (!parse(value, &p, &s))
		return bad("reach", value, e);
	if (s.target == 53 || s.target == 853)
		return err_set(e, -EINVAL,
			       "annotation vpnrun: reach=%.60s: ports 53 and 853 of others are not "
			       "reached: names go through the VPN",
			       value);
	if (w->n_peers == HOOK_PEERS_MAX)
		return err_set(e, -E2BIG, "annotation vpnrun: more than %d reach=NAME:PORT",
			       HOOK_PEERS_MAX);
	s.target = meet(&p, s.target, &s.to);
	w->peers[w->n_peers++] = p;
	return add(&w->reach, &s, e);
}
