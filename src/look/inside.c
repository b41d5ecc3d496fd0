/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnctl within a sandbox. /run/vpnrun, /run/netns and the host's devices are not there, so every
 * command that asks them would say that all VPNs are down, and send its user to a sudo that cannot
 * work there. `status` tells what can be seen from inside; the others say where to type them.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "ctl/ctl.h"
#include "ctl/show.h"
#include "state/sandbox.h"

/* Commands that look at files alone; leak-probe is made for the inside, and ip asks from where it
 * is, or where vpnrun has brought it: of a name alone it says that it is not up. */
static const char *const fine[] = {"check",  "policy",	   "allowed-ips", "wrap",
				   "unwrap", "leak-probe", "ip"};

static int show(int argc, char **argv, const struct sandbox *s)
{
	char ip4[INET_ADDRSTRLEN];

	if (argc > 1 && (argc > 2 || strcmp(argv[1], s->vpn) != 0)) {
		log_error("this is inside a sandbox of '%s': say 'vpnctl status' alone here, or "
			  "ask outside",
			  s->vpn);
		return CTL_FAILED;
	}
	if (!s->id)
		say("this is inside a sandbox without a network (vpnrun none)\n");
	else if (s->ip4.s_addr && inet_ntop(AF_INET, &s->ip4, ip4, sizeof(ip4)))
		say("this is inside a sandbox of VPN '%s', as %s\n", s->vpn, ip4);
	else
		say("this is inside a sandbox of VPN '%s'\n", s->vpn);
	say("How the VPNs are can be seen outside only: vpnctl status\n");
	return CTL_OK;
}

int ctl_inside(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct sandbox s;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(fine); i++)
		if (!strcmp(argv[0], fine[i]))
			return -1;
	r = sandbox_look(&s, &e);
	if (r == 0)
		return -1;
	if (r < 0)
		return ctl_fail(&e);
	if (!strcmp(argv[0], "status"))
		return show(argc, argv, &s);
	log_error("this is inside a sandbox of '%s': 'vpnctl %s' works outside only", s.vpn,
		  argv[0]);
	return CTL_FAILED;
}
