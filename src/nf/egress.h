/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A chain of the netdev family that lets a device send only what has one source MAC. What a bridge
 * sends or forwards by a port has the bridge's; what a program of the host's sends by the port
 * itself has the port's own. Without libnftables, as brokers and launchers plug cables.
 */
#pragma once

#include <stdint.h>

#include "nl/sock.h"

/* s is a NETLINK_NETFILTER socket of dev's namespace; CAP_NET_ADMIN. The table is there. A chain
 * called dev: the kernel takes it away with the device. The error is the bare cause. */
int egress_guard_device(struct nl_sock *s, const char *table, const char *dev, const uint8_t mac[6],
			struct err *e);
