/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plain side of a tunnel device that is already in the VPN's namespace. Called by `up` and,
 * each time wireguard-go comes back, by the supervisor.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "conf/model.h"

/* MTU, IPv6 or none, addresses, up, routes for AllowedIPs. Idempotent. */
int tunnel_finish(const struct profile *p, int vpn_netns_fd, uint32_t mtu, struct err *e);
