/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the launcher does in its new network namespace around the cable: before it comes, what the
 * namespace must not do by itself; after it, lo and the cable up. Called by launch/run.c.
 */
#include "launch/launch.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/util.h"
#include "nl/rtnl.h"
#include "vpn/cable.h"

#define LO_IFINDEX 1 /* of every network namespace */

static void try_sysctl(const char *path, const char *value, size_t len)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, value, len) < 0) {
		/* absent or refused: it is the kernel's default, and no way out */
	}
}

void launch_plug_prepare(const struct record *r)
{
	char range[32];
	int n = snprintf(range, sizeof(range), "%u %u", getegid(), getegid());

	/* A new namespace lets nobody ping. */
	try_sysctl("/proc/sys/net/ipv4/ping_group_range", range, (size_t)n);
	if (!r)
		return;
	if (cable_has_ip6(r))
		try_sysctl("/proc/sys/net/ipv6/conf/default/accept_ra", "0", 1);
	else
		try_sysctl("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1", 1);
}

int launch_plug_up(struct nl_sock *s, const struct record *r, uint32_t host, struct err *e)
{
	struct nl_msg m;

	if (host)
		return cable_up(s, r, LEASE_CABLE, host, e);
	nl_msg_init(&m);
	rtnl_put_link_up(&m, LO_IFINDEX);
	if (nl_call(s, &m, e) < 0)
		return err_wrap(e, "cannot configure the sandbox's network");
	return 0;
}
