/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plugging without the broker, for root.
 */
#pragma once

#include <stdint.h>

#include "nl/sock.h"
#include "state/record.h"

/* Plugs the new network namespace netns_fd into the VPN; hint is where the search for a free number
 * starts; ifname is the cable's name there, which must be free. *ret_host is the lease. Needs
 * CAP_NET_ADMIN in the initial user namespace. */
int attach_as_root(struct nl_sock *s, const struct record *r, int netns_fd, const char *ifname,
		   uint32_t hint, uint32_t *ret_host, struct err *e);
