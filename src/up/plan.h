/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What follows from a profile before anything is touched: which addresses, which families, which
 * routes, and what forbids it. Pure but for plan_check_uplink(), which reads routes.
 */
#pragma once

#include "base/err.h"
#include "state/lease.h"
#include "conf/model.h"
#include "state/record.h"

struct lease_pool plan_pool(const struct profile *p);

/* The address that sandboxes are translated to: the tunnel's first of that family. NULL: the tunnel
 * does not carry the family (no address of it, or no AllowedIPs of it). */
const struct ipaddr *plan_source(const struct profile *p, int family);

/* What of the tunnel claims the sandboxes' own subnet, and would be out of reach; *ret_key (may be
 * NULL) says where it stands: Address, DNS, AllowedIPs. The last count only where they name a
 * private range: 0.0.0.0/0 and the halves of it mean "the rest". NULL: nothing. */
const struct ipaddr *plan_subnet_clash(const struct profile *p, const char **ret_key);
/* The same as an error, -EADDRINUSE. */
int plan_check_subnet(const struct profile *p, struct err *e);

/* -EADDRINUSE if a route of the host's main table overlaps the subnet: what the user calls by that
 * address could not be reached from inside; or one of "subnets", which would take it from the host.
 * Call in the host's namespace. */
int plan_check_uplink(const struct profile *p, struct err *e);

/* The record of the VPN as it will be once up; namespace and bridge numbers are the caller's. */
int plan_record(const struct profile *p, uint32_t mtu, struct record *ret, struct err *e);

/* resolv.conf as /etc/netns/NAME has it; the caller's to free. */
int plan_resolv_conf(const struct profile *p, char **ret, struct err *e);
