/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VPN that goes through another ("via"): its encrypted socket lives in the other's namespace,
 * whose only way out is the other's tunnel. Here is what `up`, `down` and the supervisor have to
 * know of that namespace.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "conf/model.h"
#include "state/record.h"
#include "tunnel/resolve.h"

/* The namespace of the VPN that p goes through: a descriptor of the caller's. -1 with *ret zeroed
 * where p goes through none. -ENETDOWN: that VPN is not up. */
int via_open(const struct profile *p, struct record *ret, struct err *e);

/* resolve_endpoints_retry(), asking only the name servers of the VPN that p goes through, through
 * its tunnel. ns_fd and r are via_open()'s. Where p goes through none: the caller's own servers. */
int via_resolve(const struct profile *p, int ns_fd, const struct record *r, int retries,
		struct endpoint_set *ret, struct err *e);

/* Where a name is not answered within a second, via_resolve() calls fn, once a name: the servers
 * that are asked, by comma, and the VPN through which ("": none). Without one it says nothing. */
void via_on_wait(void (*fn)(const char *host, const char *servers, const char *via));

/* The same for the supervisor, which lives where the socket is. -ESTALE: p goes through a VPN that
 * has another namespace than the caller's by now. */
int via_resolve_here(const struct profile *p, int retries, struct endpoint_set *ret, struct err *e);

/* -ENETUNREACH if the namespace that the caller is in reaches an endpoint by anything but that
 * VPN's tunnel, or would take what is sent there for DNS. */
int via_check_way(const struct profile *p, const struct record *r, const struct endpoint_set *es,
		  struct err *e);

/* -EBUSY and a sentence that names the first VPN which is up and goes through name. */
int via_check_unused(const char *name, struct err *e);
