/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads, and judges nothing. Called by ensure/ensure.
 */
#include "ensure/seen.h"

#include <stdlib.h>
#include <string.h>

#include "ns/netns.h"

static void forget(struct net_seen *s)
{
	free(s->links);
	free(s->addrs);
	free(s->routes);
	s->links = NULL;
	s->addrs = NULL;
	s->routes = NULL;
	s->n_links = s->n_addrs = s->n_routes = 0;
}

int seen_again(struct net_seen *s, struct err *e)
{
	int r;

	forget(s);
	r = rtnl_link_list(&s->rt, RTNL_HERE, &s->links, &s->n_links, e);
	if (r == 0)
		r = nl_addr_list(&s->rt, &s->addrs, &s->n_addrs, e);
	return r < 0 ? r : nl_route_list(&s->rt, &s->routes, &s->n_routes, e);
}

int seen_open(struct net_seen *s, int ns_fd, struct err *e)
{
	int r = ns_fd < 0 ? 0 : ns_netns_enter(ns_fd, &s->back, e);

	if (r == 0)
		r = nl_sock_open(&s->rt, NETLINK_ROUTE, e);
	if (r == 0)
		r = nl_sock_open(&s->nft, NETLINK_NETFILTER, e);
	return r < 0 ? r : seen_again(s, e);
}

void seen_close(struct net_seen *s)
{
	ns_netns_leave(&s->back);
	nl_sock_close(&s->rt);
	nl_sock_close(&s->nft);
	forget(s);
}

const struct rtnl_link *seen_link(const struct net_seen *s, const char *name)
{
	for (size_t i = 0; i < s->n_links; i++)
		if (!strcmp(s->links[i].name, name))
			return &s->links[i];
	return NULL;
}
