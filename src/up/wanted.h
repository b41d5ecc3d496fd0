/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that a VPN consists of: the list of want/, and what of it depends on this host.
 */
#pragma once

#include "base/err.h"
#include "want/want.h"

/* Appends to l; looks, and changes nothing. In the host's namespace. */
int wanted_vpn(const struct profile *p, uint32_t mtu, struct want_list *l, struct err *e);
