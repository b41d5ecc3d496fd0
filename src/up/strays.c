/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port is known by its name and kind alone, as leases are. Called by up/bridge, the keeper and
 * `status`.
 */
#include "up/strays.h"

#include <errno.h>

#include "base/util.h"
#include "nl/link.h"
#include "ns/netns.h"
#include "up/hold.h"

static int walk(int ns_fd, const struct lease_pool *pool, int bridge, bool mend, struct strays *ret,
		struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	struct strays found = {0};
	size_t n = 0;
	int r = ns_nl_open(&s, ns_fd, NETLINK_ROUTE, e);

	if (r == 0)
		r = rtnl_link_list(&s, RTNL_HERE, &links, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct rtnl_link *l = &links[i];

		if (l->master == bridge || !rtnl_link_is_port(l) || !lease_from_port(pool, l->name))
			continue;
		if (found.n++ == 0)
			str_copy(found.first, sizeof(found.first), l->name);
		if (mend)
			r = rtnl_link_set_master(&s, l->ifindex, l->name, bridge, e);
		if (r == -ENODEV) /* its owner may have gone meanwhile */
			r = 0;
	}
	*ret = found;
	return r;
}

int strays_find(int ns_fd, const struct lease_pool *pool, int bridge, struct strays *ret,
		struct err *e)
{
	return walk(ns_fd, pool, bridge, false, ret, e);
}

int strays_mend(int ns_fd, const struct lease_pool *pool, int bridge, struct strays *ret,
		struct err *e)
{
	return walk(ns_fd, pool, bridge, true, ret, e);
}
