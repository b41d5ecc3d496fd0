/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the kernel, each time. Called by up/bridge and default/default_cable before they make
 * anything.
 */
#include "up/foreign.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <string.h>

#include "base/util.h"
#include "nl/route.h"
#include "nl/rule.h"

static const int families[] = {AF_INET, AF_INET6};

static int check_routes(struct nl_sock *s, int id, int family, bool is_made, struct err *e)
{
	const char *option = family == AF_INET ? "" : " -6";
	const struct rtnl_routes routes = {
		.family = family, .table = (uint8_t)id, .others = is_made};
	size_t n = 0;
	int r = rtnl_route_count(s, &routes, &n, e);

	if (r < 0 || n == 0)
		return r;
	return err_set(e, -EEXIST,
		       "the routing table %d has routes of somebody else (ip%s route show table "
		       "%d): give the VPN another \"id\"",
		       id, option, id);
}

static int check_rules(struct nl_sock *s, int id, int family, struct err *e)
{
	const char *option = family == AF_INET ? "" : " -6";
	uint32_t priority;
	int r = rtnl_rule_find_other(s, family, (uint8_t)id, &priority, e);

	if (r <= 0)
		return r;
	return err_set(e, -EEXIST,
		       "the routing rule %u of somebody else leads to the table %d (ip%s rule): "
		       "give the VPN another \"id\"",
		       priority, id, option);
}

int foreign_check_table(int id, bool is_made, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	int r = nl_sock_open(&s, NETLINK_ROUTE, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++) {
		r = check_routes(&s, id, families[i], is_made, e);
		if (r == 0 && !is_made)
			r = check_rules(&s, id, families[i], e);
	}
	return r;
}

static bool is_in_pool(const struct lease_pool *pool, const struct sockaddr *a)
{
	struct in6_addr net6 = lease_ip6(pool, 0);
	struct in_addr a4;

	if (a->sa_family == AF_INET6)
		return memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, &net6,
			      8) == 0;
	if (a->sa_family != AF_INET)
		return false;
	a4 = ((const struct sockaddr_in *)(const void *)a)->sin_addr;
	return (ntohl(a4.s_addr) ^ ntohl(pool->subnet4.s_addr)) >> (32 - pool->plen) == 0;
}

static int taken(const struct ifaddrs *i, struct err *e)
{
	const struct sockaddr *a = i->ifa_addr;
	char text[INET6_ADDRSTRLEN];

	if (a->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, text,
			  sizeof(text));
	else
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
			  text, sizeof(text));
	return err_set(e, -EADDRINUSE,
		       "the host has the address %s, on %s, which lies in the sandboxes' subnet: "
		       "set another \"%s\"",
		       text, i->ifa_name, a->sa_family == AF_INET ? "subnet" : "id");
}

int foreign_check_pool(const struct lease_pool *pool, const char *dev, const char *bridge,
		       struct err *e)
{
	struct ifaddrs *all, *i;
	int r = 0;

	if (getifaddrs(&all) < 0)
		return err_sys(e, -errno, "cannot list the host's addresses");
	for (i = all; i && r == 0; i = i->ifa_next)
		if (i->ifa_addr && strcmp(i->ifa_name, dev) != 0 &&
		    strcmp(i->ifa_name, bridge) != 0 && is_in_pool(pool, i->ifa_addr))
			r = taken(i, e);
	freeifaddrs(all);
	return r;
}
