/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Before 6.16 a chain can only be for a device that is there: so the port is made down, guarded,
 * and set up. The caller is where the ports are: only the bridge layout's are guarded. Called by
 * plug/search.c.
 */
#include "plug/guard_port.h"

#include <errno.h>
#include <stdio.h>

#include "nf/egress.h"

void guard_table(const char *vpn, char ret[GUARD_TABLE_LEN])
{
	snprintf(ret, GUARD_TABLE_LEN, "vpnrun-%s/guard", vpn);
}

static int guard(const struct guard_socks *s, const struct record *r, const char *port,
		 struct err *e)
{
	struct lease_pool pool = record_pool(r);
	char table[GUARD_TABLE_LEN];
	uint8_t bridge[6];
	int rc;

	guard_table(r->name, table);
	lease_mac(&pool, 1, bridge);
	rc = egress_guard_device(s->nft, table, port, bridge, e);
	return rc < 0 ? rc : rtnl_link_set_up(s->rt, port, true, e);
}

int guard_port_add(const struct guard_socks *s, const struct record *r, const struct rtnl_veth *v,
		   struct err *e)
{
	struct rtnl_veth port = *v;
	int rc;

	port.down = r->flags & RECORD_GUARD_EACH;
	rc = rtnl_link_add_veth(s->rt, &port, e);
	if (rc < 0 || !port.down)
		return rc;
	rc = guard(s, r, v->name, e);
	if (rc == 0)
		return 0;
	rtnl_link_delete(s->rt, RTNL_HERE, v->name, NULL);
	return rc == -EEXIST ? -EIO : rc; /* which of a port means: take another */
}
