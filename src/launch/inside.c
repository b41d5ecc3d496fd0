/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnrun within a sandbox of vpnrun: a wrapped mail program opens a wrapped browser. From there no
 * broker and no other network can be reached, and none is needed for the VPN that one is in: the
 * command runs where it is. Must never take a sandbox on trust: what decides is sandbox_look(), not
 * the environment, and where that is not sure the command does not run. Called by launch/run.c.
 */
#include "launch/launch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define VARIABLE "VPNRUN_VPN"

static bool is_default(const char *vpn)
{
	return !vpn || !strcmp(vpn, "-") || !strcmp(vpn, "default");
}

/* Options that a sandbox gets when it is made. */
static const char *too_late(const struct line_options *o, const struct sandbox *s)
{
	if (o->strict && !s->strict)
		return "--strict";
	if (o->n_dns)
		return "--dns";
	if (o->n_allow)
		return "--allow";
	if (o->publish.n)
		return "-p";
	if (o->reach.n)
		return "--reach";
	if (o->lan && !s->lan)
		return "--lan";
	return o->expose.n ? "-e" : NULL;
}

static int say_where(const char *wanted, const struct sandbox *s, struct err *e)
{
	if (!s->id)
		return err_set(e, -EBUSY,
			       "this is inside a sandbox without a network (vpnrun none), from "
			       "where '%.40s' cannot be reached: start it outside",
			       wanted);
	return err_set(e, -EBUSY,
		       "this is inside a sandbox of VPN '%s' already, from where %s%.40s%s cannot "
		       "be reached: start it outside",
		       s->vpn, strcmp(wanted, "host") ? "'" : "the network of the ", wanted,
		       strcmp(wanted, "host") ? "'" : "");
}

int launch_inside(const struct line_options *o, struct sandbox *ret, struct err *e)
{
	const char *vpn = o->vpn, *option;
	int r = sandbox_look(ret, e);

	if (r < 0)
		return err_hint(e, r, "start '%s' outside", o->command ? o->command[0] : "vpnrun");
	if (r == 0 || o->with_pid)
		return 0;
	/* Less than what is around it can be had anywhere. */
	if (vpn && !strcmp(vpn, "none") && ret->id)
		return 0;
	if (!(is_default(vpn) && ret->id) && (!vpn || strcmp(vpn, ret->vpn) != 0))
		return say_where(vpn ? vpn : "default", ret, e);
	option = too_late(o, ret);
	if (option)
		return err_set(e, -EBUSY,
			       "this is inside a sandbox of '%s' already, which %s cannot change "
			       "any more: start '%s' outside",
			       ret->vpn, option, o->command ? o->command[0] : "vpnrun");
	return 1;
}

int launch_mark(const struct line_options *o, const struct record *r, uint32_t host,
		const char *policy, struct err *e)
{
	struct lease_pool pool = record_pool(r);
	struct sandbox s = {.id = r->id, .strict = o->strict, .lan = o->lan};

	if (host && (r->flags & RECORD_HAS_IP4))
		s.ip4 = lease_ip4(&pool, host);
	if (str_copy(s.vpn, sizeof(s.vpn), r->id ? r->name : "none") < 0 ||
	    setenv(VARIABLE, s.vpn, 1) < 0)
		return err_set(e, -ENOMEM, "cannot set " VARIABLE);
	/* A policy's name is for the one who looks: cut, it is still no other's. */
	if (str_copy(s.policy, sizeof(s.policy), policy ? policy : "none") < 0)
		s.policy[0] = '\0';
	return sandbox_write(s, e);
}

void launch_mark_joined(const struct sandbox *s)
{
	setenv(VARIABLE, s->vpn, 1);
}
