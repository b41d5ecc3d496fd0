/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Works out what follows from a profile before anything is looked at or touched: which addresses,
 * which families, and what of the tunnel would be in its own way. Pure.
 */
#pragma once

#include "base/err.h"
#include "conf/model.h"
#include "state/lease.h"

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

/* Whether that prefix names a private range that the sandboxes' own subnet lies in or holds. */
bool plan_is_claim(const struct profile *p, const struct ipaddr *a);
