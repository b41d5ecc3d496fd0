/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The requests of nl/addr.h, most of which whoever collects a batch sends.
 */
#include "nl/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "nl/attr.h"

size_t rtnl_addr_len(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

const char *rtnl_prefix_text(int family, const void *addr, uint8_t plen, char buf[RTNL_PREFIX_LEN])
{
	size_t len;

	if (!addr)
		return "default";
	inet_ntop(family, addr, buf, RTNL_PREFIX_LEN - 8);
	len = strlen(buf);
	snprintf(buf + len, RTNL_PREFIX_LEN - len, "/%u", plen);
	return buf;
}

void rtnl_put_addr(struct nl_msg *m, int ifindex, const struct rtnl_addr *a)
{
	struct ifaddrmsg ifa = {
		.ifa_family = (uint8_t)a->family,
		.ifa_prefixlen = a->plen,
		.ifa_index = (uint32_t)ifindex,
	};
	size_t len = rtnl_addr_len(a->family);
	uint32_t flags = 0;

	if (a->family == AF_INET6)
		flags |= IFA_F_NODAD;
	if (a->no_prefix_route)
		flags |= IFA_F_NOPREFIXROUTE;
	nl_msg_begin(m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &ifa, sizeof(ifa));
	nl_put(m, IFA_LOCAL, a->addr, len);
	nl_put(m, IFA_ADDRESS, a->addr, len);
	nl_put_u32(m, IFA_FLAGS, flags);
}

int rtnl_addr_delete(struct nl_sock *s, int ifindex, const struct rtnl_addr *a, struct err *e)
{
	const struct ifaddrmsg ifa = {
		.ifa_family = (uint8_t)a->family,
		.ifa_prefixlen = a->plen,
		.ifa_index = (uint32_t)ifindex,
	};
	size_t len = rtnl_addr_len(a->family);
	char text[RTNL_PREFIX_LEN];
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_DELADDR, 0, &ifa, sizeof(ifa));
	nl_put(&m, IFA_LOCAL, a->addr, len);
	nl_put(&m, IFA_ADDRESS, a->addr, len);
	r = nl_call(s, &m, e);
	if (r == -EADDRNOTAVAIL || r == -ENODEV)
		return 0;
	return r < 0 ? err_wrap(e, r, "cannot remove %s",
				rtnl_prefix_text(a->family, a->addr, a->plen, text))
		     : 0;
}

/* --- those of a device ----------------------------------------------------------------------- */

struct addr_walk {
	int ifindex;
	struct rtnl_addrs *ret;
};

struct addr_attrs {
	size_t len;
	const void *address, *local; /* local: one's own, where the other is the far end's */
};

static void parse_addr_attr(const struct nlattr *a, void *arg)
{
	struct addr_attrs *at = arg;

	if (nl_attr_len(a) != at->len)
		return;
	if (nl_attr_type(a) == IFA_ADDRESS)
		at->address = nl_attr_data(a);
	else if (nl_attr_type(a) == IFA_LOCAL)
		at->local = nl_attr_data(a);
}

static int got_addr(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = nl_payload(nlh);
	const struct addr_walk *w = arg;
	struct addr_attrs at = {0};
	const void *own;

	if (nlh->nlmsg_type != RTM_NEWADDR || nl_payload_len(nlh) < sizeof(*ifa) ||
	    (int)ifa->ifa_index != w->ifindex || ifa->ifa_scope >= RT_SCOPE_LINK ||
	    (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
		return 0;
	at.len = rtnl_addr_len(ifa->ifa_family);
	nl_attr_each(nlh, sizeof(*ifa), parse_addr_attr, &at);
	own = at.local ? at.local : at.address;
	if (!own)
		return 0;
	if (w->ret->n == w->ret->max)
		return -E2BIG;
	w->ret->at[w->ret->n++] = prefix_of_addr(ifa->ifa_family, own);
	return 0;
}

static void begin_addrs(void *arg)
{
	((struct addr_walk *)arg)->ret->n = 0;
}

int rtnl_addr_list(struct nl_sock *s, int ifindex, struct rtnl_addrs *ret, struct err *e)
{
	const struct ifaddrmsg ifa = {.ifa_family = AF_UNSPEC};
	struct addr_walk w = {.ifindex = ifindex, .ret = ret};
	const struct nl_table table = {begin_addrs, got_addr, &w};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa));
	r = nl_read_table(s, &m, &table, e);
	return r < 0 ? err_wrap(e, r, "cannot list the addresses") : 0;
}

/* --- neighbours ------------------------------------------------------------------------------ */

void rtnl_put_neigh(struct nl_msg *m, int ifindex, int family, const void *addr,
		    const uint8_t mac[6])
{
	struct ndmsg nd = {
		.ndm_family = (uint8_t)family,
		.ndm_ifindex = ifindex,
		.ndm_state = NUD_PERMANENT,
	};

	nl_msg_begin(m, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &nd, sizeof(nd));
	nl_put(m, NDA_DST, addr, rtnl_addr_len(family));
	nl_put(m, NDA_LLADDR, mac, 6);
}

void rtnl_put_neigh_gone(struct nl_msg *m, int ifindex, int family, const void *addr)
{
	struct ndmsg nd = {.ndm_family = (uint8_t)family, .ndm_ifindex = ifindex};

	nl_msg_begin(m, RTM_DELNEIGH, 0, &nd, sizeof(nd));
	nl_put(m, NDA_DST, addr, rtnl_addr_len(family));
}
