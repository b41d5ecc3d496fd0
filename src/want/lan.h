/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cable of a VPN of the layout "netns" to the host, by which programs that were started with
 * --lan reach what "allow_lan" names: its numbers, and the objects on its two ends. Pure.
 */
#pragma once

#include "want/want.h"

/* In the VPN's own namespace: the table for marked packets, and the mark (policy/netns-lan.nft). */
#define LAN_TABLE 87
#define LAN_RULE  100
#define LAN_MARK  0x08000000u

struct lan_cable {
	char dev[IF_NAMESIZE]; /* in both namespaces */
	uint8_t host_mac[6];
	struct in_addr host4, inner4;
	struct in6_addr host6, inner6;
};

void lan_cable_of(const char *vpn, int id, struct lan_cable *ret);

/* Whether the profile has such a cable, and whether it leads anywhere by that family. */
bool lan_is_wanted(const struct profile *p);
bool lan_has(const struct profile *p, int family);

/* Lists what is in the VPN's namespace beside want_netns(). Of one that is closed the cable is not
 * there: want_list_drop(). */
void want_lan_inside(struct want_list *l, const struct profile *p);
/* Lists the host's end, but for the settings of its other devices. The firewall is its first. */
void want_lan_firewall(struct want_list *l, const char *vpn);
void want_lan_host(struct want_list *l, const struct profile *p);
/* Enough to take the host's end away, whatever it was made from. */
void want_lan_rest(struct want_list *l, const char *vpn, int id);
