/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the ports of a VPN's namespace and the namespaces of all processes.
 */
#include "up/hold.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/same.h"
#include "base/util.h"
#include "nl/link.h"
#include "ns/netns.h"

static int count_processes(int ns_fd, unsigned int *ret, struct err *e)
{
	struct stat ns, st;
	struct dirent *de;
	char path[64];
	DIR *d;

	if (fstat(ns_fd, &ns) < 0)
		return err_sys(e, -errno, "cannot stat the VPN's namespace");
	d = opendir("/proc");
	if (!d)
		return err_sys(e, -errno, "cannot open /proc");
	*ret = 0;
	while ((de = readdir(d))) {
		if (!isdigit((unsigned char)de->d_name[0]) ||
		    str_fmt(path, sizeof(path), "/proc/%s/ns/net", de->d_name) < 0)
			continue;
		if (stat(path, &st) == 0 && same_stat(&st, &ns))
			++*ret;
	}
	closedir(d);
	return 0;
}

int hold_count(int ns_fd, struct hold *ret, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	struct hold h = {0};
	size_t n;
	int r;

	r = ns_nl_open(&s, ns_fd, NETLINK_ROUTE, e);
	if (r == 0)
		r = rtnl_link_list(&s, RTNL_HERE, &links, &n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		h.leases += rtnl_link_is_port(&links[i]);
	r = count_processes(ns_fd, &h.processes, e);
	if (r == 0)
		*ret = h;
	return r;
}
