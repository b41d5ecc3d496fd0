/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table, the rules and the routes of a VPN of the bridge layout. Root, in the host's namespace.
 */
#pragma once

#include "nl/sock.h"
#include "conf/model.h"

/* Ends the sockets of the host that send from the VPN's own addresses as its rules have them, but
 * for those that keep (may be NULL) has as well; of UDP only with all. *ret: those that are left
 * and would send by another way without the rules: of IPv6, which does not ask whether the host has
 * the address. */
int bridge_table_end_sockets(int id, const struct profile *keep, bool all, unsigned int *ret,
			     struct err *e);
