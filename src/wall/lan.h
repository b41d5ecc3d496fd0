/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firewall of a VPN's cable to the LAN, as text for libnftables: its end in the VPN's
 * namespace, which is a part of that VPN's firewall, and the host's end, a table of its own.
 */
#pragma once

#include <stdio.h>

#include "base/err.h"
#include "conf/model.h"

/* Writes what netns.nft gets added; nothing where the profile has no such cable. */
void lan_put_inside(FILE *f, const struct profile *p);

/* Makes the host's table. Root, in the host's namespace. */
int lan_firewall_apply(const struct profile *p, struct err *e);
