/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process inside that a leak test asks: in a sandbox of its own, or where a process that runs
 * already is.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "leak/leak.h"

struct leak_inside {
	pid_t child;
	int to, from; /* its standard streams */
};
#define LEAK_INSIDE_INIT              \
	{                             \
		.to = -1, .from = -1, \
	}

/* pid 0: vpnrun makes a sandbox of the VPN name. Otherwise in the namespaces of pid, as its user
 * and without a capability: a sandbox of the caller's own, or by root any process, a confined
 * service's or a container's. */
int leak_inside_start(struct leak_inside *in, const char *name, pid_t pid,
		      const struct leak_mark *m, struct err *e);
void leak_inside_end(struct leak_inside *in); /* accepts one that was not started */

/* Lets it look around, and judges what it sees. In the VPN's own namespace, where a confined
 * service is, the VPN's devices are no way beside it. */
int leak_inside_look(const struct leak_inside *in, const struct record *rec, struct leak_table *t,
		     struct err *e);
