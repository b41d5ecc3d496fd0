/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adds what the host has a say in: the devices that lead to the LAN, and its nsswitch.conf. Called
 * by up/apply.
 */
#include "up/wanted.h"

#include "wall/forwarding.h"
#include "up/netnsfiles.h"
#include "conf/plan.h"
#include "want/lan.h"
#include "want/record.h"

static int add_files(const struct profile *p, struct want_list *l, struct err *e)
{
	AUTO_FREE char *resolv = NULL;
	int r = plan_resolv_conf(p, &resolv, e);

	return r < 0 ? r : netnsfiles_want(p->name, resolv, l, e);
}

int wanted_vpn(const struct profile *p, uint32_t mtu, struct want_list *l, struct err *e)
{
	int r;

	if (p->layout == LAYOUT_BRIDGE) {
		r = forwarding_want(p, l, e);
		want_bridge_firewall(l, p);
		want_bridge_device(l, p, mtu);
		want_bridge_table(l, p);
		want_bridge_rules(l, p);
	} else {
		want_namespace(l, p);
		want_netns(l, p, mtu);
		want_lan_inside(l, p);
		r = add_files(p, l, e);
	}
	want_tunnel(l, p);
	return r < 0 ? r : want_list_check(l, e);
}
