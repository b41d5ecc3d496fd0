/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values below /proc/sys/net, each of the namespace that writes it.
 */
#include "ns/sysctl.h"

#include <errno.h>

#include "base/util.h"
#include "ns/netns.h"

int ns_sysctl_write(int netns_fd, const char *key, const char *value, struct err *e)
{
	char path[256];
	int back, r;

	if (str_fmt(path, sizeof(path), NS_SYSCTL_DIR "%s", key) < 0)
		return err_set(e, -ENAMETOOLONG, "sysctl net/%s: name too long", key);
	r = ns_netns_enter(netns_fd, &back, e);
	if (r < 0)
		return r;
	r = file_write_existing(path, value, e);
	ns_netns_leave(&back);
	return r;
}
