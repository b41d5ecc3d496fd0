/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `up` writes down about a profile, and what forbids it. plan_check_uplink() reads routes; the
 * rest is pure.
 */
#pragma once

#include "base/err.h"
#include "conf/plan.h"
#include "state/record.h"

/* -EADDRINUSE if a route of the host's main table overlaps the subnet: what the user calls by that
 * address could not be reached from inside; or one of "subnets", which would take it from the host.
 * Call in the host's namespace. */
int plan_check_uplink(const struct profile *p, struct err *e);

/* The record of the VPN as it will be once up; namespace and bridge numbers are the caller's. */
int plan_record(const struct profile *p, uint32_t mtu, struct record *ret, struct err *e);

/* resolv.conf as /etc/netns/NAME has it; the caller's to free. */
int plan_resolv_conf(const struct profile *p, char **ret, struct err *e);
