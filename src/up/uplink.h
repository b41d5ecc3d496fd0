/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds what of the host forbids a VPN.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "conf/plan.h"
#include "state/record.h"

/* -EADDRINUSE if a route of the host's main table overlaps the subnet: what the user calls by that
 * address could not be reached from inside; or one of "subnets", which would take it from the host.
 * own is the index of the VPN's bridge where it has one on the host by now, in whatever layout it
 * is to be; 0: none. Call in the host's namespace. */
int plan_check_uplink(const struct profile *p, int own, struct err *e);

/* Whether the way out of one with "device" is another by now than when it was made: another uplink,
 * gateway or name server. False of a tunnel, and where it cannot be told. */
bool uplink_is_stale(const struct record *r);
