/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A port is taken away, and the caller does not wait for more than that. */
#pragma once

#include "nl/link.h"

/* s is a socket in the namespace vpn_netns, where the port is. When this returns 0 the cable is
 * gone at both ends and its name and lease are free; a port that is not there is 0 too. */
int unplug_port(struct nl_sock *s, int vpn_netns, const struct rtnl_link *port, struct err *e);
