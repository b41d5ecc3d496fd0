/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dumps of rtnetlink(7), each begun anew where the table changed while it was read.
 */
#include "nl/list.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nl/attr.h"

struct dumped {
	void *at;
	size_t n, room, size;
};

/* The next element, zeroed; NULL: no memory. */
static void *add(struct dumped *l)
{
	char *at;

	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		void *more = reallocarray(l->at, room, l->size);

		if (!more)
			return NULL;
		l->at = more;
		l->room = room;
	}
	at = (char *)l->at + l->n++ * l->size;
	memset(at, 0, l->size);
	return at;
}

static void copy_addr(uint8_t dst[16], const struct nlattr *a)
{
	if (nl_attr_len(a) <= 16)
		memcpy(dst, nl_attr_data(a), nl_attr_len(a));
}

static void begin(void *arg)
{
	((struct dumped *)arg)->n = 0;
}

static int collect(struct nl_sock *s, struct nl_msg *m, nl_fn fn, struct dumped *l, struct err *e)
{
	const struct nl_table table = {begin, fn, l};
	int r = nl_read_table(s, m, &table, e);

	if (r < 0) {
		free(l->at);
		l->at = NULL;
	}
	return r;
}

static void addr_attr(const struct nlattr *a, void *arg)
{
	struct nl_addr *x = arg;

	/* Of IPv6, an address without a peer has no IFA_LOCAL. */
	if (nl_attr_type(a) == IFA_LOCAL ||
	    (nl_attr_type(a) == IFA_ADDRESS && x->family == AF_INET6))
		copy_addr(x->addr, a);
}

static int got_addr(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = nl_payload(nlh);
	struct nl_addr *x;

	if (nlh->nlmsg_type != RTM_NEWADDR || nl_payload_len(nlh) < sizeof(*ifa))
		return 0;
	x = add(arg);
	if (!x)
		return -ENOMEM;
	x->family = ifa->ifa_family;
	x->ifindex = (int)ifa->ifa_index;
	x->plen = ifa->ifa_prefixlen;
	nl_attr_each(nlh, sizeof(*ifa), addr_attr, x);
	return 0;
}

int nl_addr_list(struct nl_sock *s, struct nl_addr **ret, size_t *ret_n, struct err *e)
{
	const struct ifaddrmsg ifa = {.ifa_family = AF_UNSPEC};
	struct dumped l = {.size = sizeof(struct nl_addr)};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa));
	r = collect(s, &m, got_addr, &l, e);
	if (r < 0)
		return err_wrap(e, r, "cannot list the addresses");
	*ret = l.at;
	*ret_n = l.n;
	return 0;
}

static void route_attr(const struct nlattr *a, void *arg)
{
	struct nl_route *x = arg;
	uint16_t type = nl_attr_type(a);

	if (type == RTA_DST)
		copy_addr(x->dst, a);
	else if (type == RTA_GATEWAY)
		copy_addr(x->gateway, a);
	else if (nl_attr_len(a) != sizeof(uint32_t))
		return;
	else if (type == RTA_OIF)
		x->oif = (int)nl_attr_u32(a);
	else if (type == RTA_TABLE)
		x->table = nl_attr_u32(a);
	else if (type == RTA_PRIORITY)
		x->metric = nl_attr_u32(a);
}

static int got_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rt = nl_payload(nlh);
	struct nl_route *x;

	if (nlh->nlmsg_type != RTM_NEWROUTE || nl_payload_len(nlh) < sizeof(*rt) ||
	    (rt->rtm_flags & RTM_F_CLONED))
		return 0;
	x = add(arg);
	if (!x)
		return -ENOMEM;
	x->family = rt->rtm_family;
	x->table = rt->rtm_table;
	x->type = rt->rtm_type;
	x->plen = rt->rtm_dst_len;
	nl_attr_each(nlh, sizeof(*rt), route_attr, x);
	return 0;
}

int nl_route_list(struct nl_sock *s, struct nl_route **ret, size_t *ret_n, struct err *e)
{
	const struct rtmsg rt = {.rtm_family = AF_UNSPEC};
	struct dumped l = {.size = sizeof(struct nl_route)};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETROUTE, NLM_F_DUMP, &rt, sizeof(rt));
	r = collect(s, &m, got_route, &l, e);
	if (r < 0)
		return err_wrap(e, r, "cannot list the routes");
	*ret = l.at;
	*ret_n = l.n;
	return 0;
}

static void neigh_attr(const struct nlattr *a, void *arg)
{
	struct nl_neigh *x = arg;

	if (nl_attr_type(a) == NDA_DST)
		copy_addr(x->addr, a);
	else if (nl_attr_type(a) == NDA_LLADDR && nl_attr_len(a) == sizeof(x->mac))
		memcpy(x->mac, nl_attr_data(a), sizeof(x->mac));
}

static int got_neigh(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *nd = nl_payload(nlh);
	struct nl_neigh *x;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || nl_payload_len(nlh) < sizeof(*nd))
		return 0;
	x = add(arg);
	if (!x)
		return -ENOMEM;
	x->family = nd->ndm_family;
	x->ifindex = nd->ndm_ifindex;
	x->state = nd->ndm_state;
	nl_attr_each(nlh, sizeof(*nd), neigh_attr, x);
	return 0;
}

int nl_neigh_list(struct nl_sock *s, int family, int ifindex, struct nl_neighs *ret, struct err *e)
{
	const struct ndmsg nd = {.ndm_family = (uint8_t)family};
	struct dumped l = {.size = sizeof(struct nl_neigh)};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETNEIGH, NLM_F_DUMP, &nd, sizeof(nd));
	if (ifindex)
		nl_put_u32(&m, NDA_IFINDEX, (uint32_t)ifindex);
	r = collect(s, &m, got_neigh, &l, e);
	if (r < 0)
		return err_wrap(e, r, "cannot list the neighbours");
	*ret = (struct nl_neighs){l.at, l.n};
	return 0;
}
