/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values below /proc/sys/net, each of the namespace that writes it.
 */
#include "ns/sysctl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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

static int write_of_device(const char *dev, const char *family, const char *key, const char *value,
			   bool optional, struct err *e)
{
	char path[128];

	if (str_fmt(path, sizeof(path), NS_SYSCTL_DIR "%s/conf/%s/%s", family, dev, key) < 0)
		return err_set(e, -ENAMETOOLONG, "cannot set %s of %s", key, dev);
	if (access(path, F_OK) < 0 && optional)
		return 0;
	return file_write_existing(path, value, e);
}

int ns_sysctl_guard_device(const char *dev, const char *rp_filter, bool ip6, struct err *e)
{
	static const struct {
		const char *family, *key, *value;
	} all[] = {
		{"ipv4", "accept_redirects", "0"},
		{"ipv4", "send_redirects", "0"},
		{"ipv4", "accept_source_route", "0"},
		{"ipv4", "arp_ignore", "1"},
		{"ipv4", "forwarding", "1"},
		{"ipv6", "accept_ra", "0"},
		{"ipv6", "accept_redirects", "0"},
		{"ipv6", "addr_gen_mode", "1"},
		/* This exists since 6.17; before, only the switch for the whole machine forwards
		 * IPv6. */
		{"ipv6", "force_forwarding", "1"},
	};
	int r = write_of_device(dev, "ipv4", "rp_filter", rp_filter, false, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(all); i++) {
		bool is_6 = !strcmp(all[i].family, "ipv6");

		r = write_of_device(dev, all[i].family, all[i].key, all[i].value, is_6, e);
	}
	return r < 0 ? r : write_of_device(dev, "ipv6", "disable_ipv6", ip6 ? "0" : "1", true, e);
}
