/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's table is the truth: a port's group is its holder. To list it at each request would
 * cost most of the request, so the most that may be held is remembered. It goes up with each cable
 * and never down by itself; whoever finds it too high counts anew. One request at a time is served,
 * so what is counted here is still so when the cable is made. Called by plugd/serve.c.
 */
#include "plugd/limit.h"

#include <errno.h>

#include "base/util.h"
#include "nl/link.h"
#include "nl/port.h"
#include "plug/search.h"

static uint32_t *find_held(struct limit_memory *m, const struct record *r, uid_t uid)
{
	return &m->held[r->id % ARRAY_SIZE(m->held)][uid % LIMIT_PLACES];
}

#define TRIES 8 /* others make devices while they are listed */

struct count {
	struct lease_pool pool;
	uid_t uid;
	uint32_t mine, shared;
};

static void add(const struct port *p, void *arg)
{
	struct count *c = arg;

	if (!lease_from_port(&c->pool, p->name))
		return;
	c->mine += lease_owner(p->group) == c->uid;
	c->shared += lease_owner(p->group) % LIMIT_PLACES == c->uid % LIMIT_PLACES;
}

static int count(struct nl_sock *s, const struct record *r, struct count *c, struct err *e)
{
	AUTO_CLOSE int vpn_fd = record_open_netns(r, e);
	struct search a = {.s = {.rt = s}, .r = r, .vpn_fd = vpn_fd, .nsid = RTNL_HERE};
	int rc = vpn_fd < 0 ? vpn_fd : search_need_nsid(&a, e);

	for (int i = 0; rc == 0 || (rc == -EINTR && i < TRIES); i++) {
		c->mine = c->shared = 0;
		rc = port_each(s, a.nsid, add, c, e);
		if (rc == 0)
			return 0;
	}
	return rc;
}

int limit_check(struct limit_memory *m, struct nl_sock *s, const struct record *r, uid_t uid,
		struct err *e)
{
	struct count c = {.pool = record_pool(r), .uid = uid};
	uint32_t all = lease_max(&c.pool) - 1, *held = find_held(m, r, uid);
	/* Nobody gets the whole pool, and with it all that the VPN can keep track of, by default.
	 */
	uint32_t limit = r->limit ? r->limit : (all + 3) / 4;
	int rc;

	if (limit >= all || (*held && *held <= limit))
		return 0;
	rc = count(s, r, &c, e);
	if (rc < 0)
		return rc;
	*held = c.shared + 1;
	if (c.mine < limit)
		return 0;
	return err_set(e, -EDQUOT,
		       "uid %u already holds %u cable%s to VPN '%s', the limit for one user (see "
		       "`vpnctl status %s`; \"limit\" in /etc/vpnrun/%s.json)",
		       uid, limit, limit == 1 ? "" : "s", r->name, r->name, r->name);
}

void limit_add(struct limit_memory *m, const struct record *r, uid_t uid)
{
	uint32_t *held = find_held(m, r, uid);

	if (*held)
		++*held;
}
