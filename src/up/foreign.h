/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds what others have on this host in the place of a VPN: its routing table, its addresses.
 * Nothing of it is ever replaced, so that nothing of it is lost when the VPN goes. In the host's
 * namespace; only reads.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "state/lease.h"

/* -EEXIST and a sentence: a route is in the table, or a rule leads there, and is not vpnrun's.
 * is_made: the VPN's own routes are there, and rules may have been added to use them; else whosever
 * route it is counts. */
int foreign_check_table(int id, bool is_made, struct err *e);

/* -EADDRINUSE and a sentence: a device other than those two has one of the pool's addresses. */
int foreign_check_pool(const struct lease_pool *pool, const char *dev, const char *bridge,
		       struct err *e);
