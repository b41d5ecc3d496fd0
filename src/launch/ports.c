/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published ports of one launch. Must cost nothing where the line asks for none. Called by
 * launch/run.c.
 */
#include "launch/launch.h"

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

int launch_ports_serve(const struct line_options *o, const struct record *r, uint32_t host,
		       struct relay_sandbox *p, struct err *e)
{
	int rc;

	if (!o->publish.n && !o->reach.n)
		return 0;
	if (host)
		relay_own_lease(&p->in, r, host);
	rc = relay_sandbox_serve(p, &o->reach, e);
	if (rc == 0)
		launch_step("ports served");
	return rc;
}
