/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the chains of the ports. Called by up/bridge.
 */
#include "wall/guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "nl/link.h"
#include "ns/netns.h"
#include "wall/firewall.h"
#include "wall/firewall_load.h"
#include "plug/guard_port.h"
#include "conf/plan.h"

#define CHAIN_DEVICES 250 /* the kernel takes 256 */
#define TRIES	      5

static const char policy_guard[] =
#include "bridge-guard.nft.h"
	;

static void put_chain(FILE *f, const struct profile *p, const char *chain)
{
	fprintf(f, "add chain netdev vpnrun-%s/guard %s { type filter hook egress devices = { ",
		p->name, chain);
}

/* The MAC as raw bytes: see nf/egress.c. */
static void end_chain(FILE *f, const struct profile *p, const char *chain)
{
	struct lease_pool pool = plan_pool(p);
	uint8_t mac[6];

	lease_mac(&pool, 1, mac);
	fprintf(f,
		" } priority filter; policy drop; }\n"
		"add rule netdev vpnrun-%s/guard %s @ll,48,48 0x%02x%02x%02x%02x%02x%02x accept\n",
		p->name, chain, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/* Names all ports that can be. */
static void put_all(FILE *f, const struct profile *p)
{
	struct lease_pool pool = plan_pool(p);
	char chain[16], port[LEASE_IF_LEN];
	uint32_t max = lease_max(&pool);

	for (uint32_t h = 2; h <= max;) {
		uint32_t first = h;

		str_fmt(chain, sizeof(chain), "ports%u", first);
		put_chain(f, p, chain);
		for (; h <= max && h - first < CHAIN_DEVICES; h++) {
			lease_port(&pool, h, port);
			fprintf(f, "%s\"%s\"", h > first ? ", " : "", port);
		}
		end_chain(f, p, chain);
	}
}

/* Names those that are there. */
static int put_there(FILE *f, const struct profile *p, int ns_fd, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	struct lease_pool pool = plan_pool(p);
	size_t n = 0;
	int r = ns_nl_open(&s, ns_fd, NETLINK_ROUTE, e);

	if (r == 0)
		r = rtnl_link_list(&s, RTNL_HERE, &links, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!rtnl_link_is_port(&links[i]) || !lease_from_port(&pool, links[i].name))
			continue;
		put_chain(f, p, links[i].name);
		fprintf(f, "\"%s\"", links[i].name);
		end_chain(f, p, links[i].name);
	}
	return r;
}

static int make(const struct profile *p, int ns_fd, bool each, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int r = 0;

	if (!f)
		return err_sys(e, -errno, "cannot write the guard of %s", p->bridge);
	fprintf(f, "define br = \"%s\"\n", p->bridge);
	firewall_put_named(f, policy_guard, p->name);
	if (each)
		r = put_there(f, p, ns_fd, e);
	else
		put_all(f, p);
	if (fclose(f) != 0)
		return err_set(e, -ENOMEM, "cannot write the guard of %s: no memory", p->bridge);
	return r < 0 ? r : firewall_run(p->name, text, ns_fd, e);
}

int guard_make(const struct profile *p, int ns_fd, uint32_t *ret_flags, struct err *e)
{
	int r = make(p, ns_fd, false, e);

	if (r == 0)
		*ret_flags |= RECORD_GUARDED;
	/* A port that goes between the look and the transaction fails that. */
	for (int i = 0; r < 0 && i < TRIES; i++) {
		r = make(p, ns_fd, true, e);
		if (r == 0)
			*ret_flags |= RECORD_GUARDED | RECORD_GUARD_EACH;
	}
	return r;
}
