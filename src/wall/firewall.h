/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firewall of a VPN's own namespace: nft text from policy/, with this VPN's names and addresses
 * defined before it. Linked by vpnctl only.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "conf/model.h"
#include "state/record.h"

/* The whole text, for those who want to read it first; the caller's to free. */
int firewall_text(const struct profile *p, char **ret, struct err *e);

/* Puts it into force in that namespace, replacing what was there, in one transaction: all of it or
 * nothing. Needs CAP_SYS_ADMIN (to enter) and CAP_NET_ADMIN there. */
int firewall_apply(const struct profile *p, int netns_fd, struct err *e);

/* Makes the sets of open ports say what the kernel's table and the record say now. */
int firewall_refresh_ports(const struct record *r, int vpn_netns_fd, struct err *e);

/* The table of the bridge layout that refuses a busy program at once, once the bridge is there. A
 * kernel that cannot goes without it. */
void firewall_apply_busy(const struct profile *p, int netns_fd);

/* Of the bridge layout: nobody on the LAN is told its addresses. A kernel that cannot (without
 * NF_TABLES_ARP) goes without it. */
int firewall_apply_arp(const struct profile *p, int netns_fd, struct err *e);

/* Writes text with every @NAME@ replaced. */
void firewall_put_named(FILE *f, const char *text, const char *name);
