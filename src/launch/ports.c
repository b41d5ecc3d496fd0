/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published ports of one launch. Must cost nothing where the line asks for none. Called by
 * launch/run.c.
 */
#include "launch/launch.h"

#include <netinet/in.h>

#include "base/util.h"
#include "state/lease.h"

int launch_ports_open(const struct line_options *o, struct relay_sandbox *p, struct err *e)
{
	int r;

	if (!o->publish.n && !o->reach.n)
		return 0;
	r = relay_sandbox_open(p, &o->publish, &o->reach, -1, e);
	if (r == 0)
		launch_step("ports taken");
	return r;
}

static void add_lease(const struct record *r, uint32_t host, struct relay *relay)
{
	struct lease_pool pool = record_pool(r);
	struct in_addr ip4 = lease_ip4(&pool, host);
	struct in6_addr ip6 = lease_ip6(&pool, host);

	if (r->flags & RECORD_HAS_IP4)
		relay_own_add(relay, AF_INET, &ip4);
	if (r->flags & RECORD_HAS_IP6)
		relay_own_add(relay, AF_INET6, &ip6);
}

int launch_ports_serve(const struct line_options *o, const struct record *r, uint32_t host,
		       struct relay_sandbox *p, struct err *e)
{
	int rc;

	if (!o->publish.n && !o->reach.n)
		return 0;
	if (host)
		add_lease(r, host, &p->in);
	rc = relay_sandbox_serve(p, &o->reach, e);
	if (rc == 0)
		launch_step("ports served");
	return rc;
}
