/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading links, routes and namespace ids, and what needs to read first. Answers are length-checked
 * attribute by attribute. What a function reports is the whole object, in the words of ip(8).
 */
#include "nl/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nl/attr.h"

#ifndef RTEXT_FILTER_SKIP_STATS
#define RTEXT_FILTER_SKIP_STATS (1 << 3)
#endif

/* --- links: reading -------------------------------------------------------------------------- */

static void copy_name(char *dst, size_t size, const struct nlattr *a)
{
	size_t len = nl_attr_len(a);

	if (len >= size)
		len = size - 1;
	memcpy(dst, nl_attr_data(a), len);
	dst[len] = '\0';
}

struct bridge_settings {
	uint32_t stp, boolopts;
	uint8_t snooping;
};

static void parse_bridge(const struct nlattr *a, void *arg)
{
	struct bridge_settings *b = arg;
	struct br_boolopt_multi opts;

	if (nl_attr_type(a) == IFLA_BR_STP_STATE && nl_attr_len(a) == sizeof(uint32_t))
		b->stp = nl_attr_u32(a);
	else if (nl_attr_type(a) == IFLA_BR_MCAST_SNOOPING && nl_attr_len(a) == 1)
		b->snooping = *(const uint8_t *)nl_attr_data(a);
	if (nl_attr_type(a) != IFLA_BR_MULTI_BOOLOPT || nl_attr_len(a) < sizeof(opts))
		return;
	memcpy(&opts, nl_attr_data(a), sizeof(opts));
	b->boolopts = opts.optval;
}

static void parse_link_info(const struct nlattr *a, void *arg)
{
	struct rtnl_link *l = arg;

	if (nl_attr_type(a) == IFLA_INFO_KIND)
		copy_name(l->kind, sizeof(l->kind), a);
	if (nl_attr_type(a) == IFLA_INFO_DATA && !strcmp(l->kind, "bridge")) {
		struct bridge_settings b = {0};

		nl_attr_each_in(a, parse_bridge, &b);
		l->is_quiet =
			!b.stp && !b.snooping && (b.boolopts & (1u << BR_BOOLOPT_NO_LL_LEARN));
	}
}

static void parse_link_attr(const struct nlattr *a, void *arg)
{
	struct rtnl_link *l = arg;
	size_t len = nl_attr_len(a);
	uint16_t type = nl_attr_type(a);

	if (type == IFLA_IFNAME) {
		copy_name(l->name, sizeof(l->name), a);
	} else if (type == IFLA_IFALIAS) {
		copy_name(l->alias, sizeof(l->alias), a);
	} else if (type == IFLA_ADDRESS && len == sizeof(l->mac)) {
		memcpy(l->mac, nl_attr_data(a), sizeof(l->mac));
	} else if (type == IFLA_LINKINFO) {
		nl_attr_each_in(a, parse_link_info, l);
	} else if (type == IFLA_STATS64 && len >= sizeof(struct rtnl_link_stats64)) {
		struct rtnl_link_stats64 st;

		memcpy(&st, nl_attr_data(a), sizeof(st));
		l->rx_bytes = st.rx_bytes;
		l->tx_bytes = st.tx_bytes;
	} else if (len == sizeof(uint32_t)) {
		uint32_t v = nl_attr_u32(a);

		if (type == IFLA_MTU)
			l->mtu = v;
		else if (type == IFLA_MASTER)
			l->master = (int)v;
		else if (type == IFLA_LINK)
			l->link = (int)v;
		else if (type == IFLA_GROUP)
			l->group = v;
		else if (type == IFLA_LINK_NETNSID)
			l->peer_nsid = (int)v;
	}
}

static int parse_link(const struct nlmsghdr *nlh, struct rtnl_link *l)
{
	const struct ifinfomsg *ifi = nl_payload(nlh);

	if (nlh->nlmsg_type != RTM_NEWLINK || nl_payload_len(nlh) < sizeof(*ifi))
		return -EPROTO;
	memset(l, 0, sizeof(*l));
	l->peer_nsid = -1;
	l->ifindex = ifi->ifi_index;
	l->flags = ifi->ifi_flags;
	nl_attr_each(nlh, sizeof(*ifi), parse_link_attr, l);
	return 0;
}

static int got_link(const struct nlmsghdr *nlh, void *arg)
{
	return parse_link(nlh, arg);
}

static int link_query(struct nl_sock *s, struct nl_msg *m, struct rtnl_link *ret, struct err *e)
{
	struct rtnl_link l;
	int r = nl_query(s, m, got_link, &l, e);

	if (r == 0)
		*ret = l;
	return r;
}

int rtnl_link_get(struct nl_sock *s, int nsid, const char *name, struct rtnl_link *ret,
		  struct err *e)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETLINK, 0, &ifi, sizeof(ifi));
	nl_put_str(&m, IFLA_IFNAME, name);
	if (nsid != RTNL_HERE)
		nl_put_u32(&m, IFLA_TARGET_NETNSID, (uint32_t)nsid);
	r = link_query(s, &m, ret, e);
	return r < 0 ? err_wrap(e, r, "no device %s", name) : 0;
}

int rtnl_link_get_index(struct nl_sock *s, int ifindex, struct rtnl_link *ret, struct err *e)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETLINK, 0, &ifi, sizeof(ifi));
	r = link_query(s, &m, ret, e);
	return r < 0 ? err_wrap(e, r, "no device of index %d", ifindex) : 0;
}

struct link_list {
	struct rtnl_link *v;
	size_t n, room;
};

static int got_list_link(const struct nlmsghdr *nlh, void *arg)
{
	struct link_list *ll = arg;
	struct rtnl_link *v;

	if (ll->n == ll->room) {
		size_t room = ll->room ? ll->room * 2 : 64;

		v = realloc(ll->v, room * sizeof(*v));
		if (!v)
			return -ENOMEM;
		ll->v = v;
		ll->room = room;
	}
	if (parse_link(nlh, &ll->v[ll->n]) == 0)
		ll->n++;
	return 0;
}

static void begin_links(void *arg)
{
	((struct link_list *)arg)->n = 0;
}

int rtnl_link_list(struct nl_sock *s, int nsid, struct rtnl_link **ret, size_t *ret_n,
		   struct err *e)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	struct link_list ll = {0};
	const struct nl_table table = {begin_links, got_list_link, &ll};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
	/* Counters are most of each answer, and nobody who lists reads them. */
	nl_put_u32(&m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (nsid != RTNL_HERE)
		nl_put_u32(&m, IFLA_TARGET_NETNSID, (uint32_t)nsid);
	r = nl_read_table(s, &m, &table, e);
	if (r < 0) {
		free(ll.v);
		return err_wrap(e, r, "cannot list the devices");
	}
	*ret = ll.v;
	*ret_n = ll.n;
	return 0;
}

bool rtnl_link_is_port(const struct rtnl_link *l)
{
	return !strcmp(l->kind, "veth") && !strncmp(l->name, "vr", 2);
}

/* --- addresses ------------------------------------------------------------------------------- */

static const char *addr_text(int family, const void *addr, uint8_t plen, char buf[64])
{
	size_t len;

	if (!addr)
		return "default";
	inet_ntop(family, addr, buf, 56);
	len = strlen(buf);
	snprintf(buf + len, 64 - len, "/%u", plen);
	return buf;
}

static int dev_index(struct nl_sock *s, const char *dev, int *ret, struct err *e)
{
	struct rtnl_link l;
	int r = rtnl_link_get(s, RTNL_HERE, dev, &l, e);

	if (r == 0)
		*ret = l.ifindex;
	return r;
}

int rtnl_addr_add(struct nl_sock *s, const char *dev, int family, const void *addr, uint8_t plen,
		  struct err *e)
{
	char text[64];
	struct nl_msg m;
	int ifindex = 0, r;

	r = dev_index(s, dev, &ifindex, e);
	if (r < 0)
		return r;
	nl_msg_init(&m);
	rtnl_put_addr(&m, ifindex, family, addr, plen, false);
	r = nl_call(s, &m, e);
	if (r < 0 && r != -EEXIST)
		return err_wrap(e, r, "cannot add %s to %s", addr_text(family, addr, plen, text),
				dev);
	return 0;
}

int rtnl_addr_delete(struct nl_sock *s, int ifindex, int family, const void *addr, uint8_t plen,
		     struct err *e)
{
	const struct ifaddrmsg ifa = {
		.ifa_family = (uint8_t)family,
		.ifa_prefixlen = plen,
		.ifa_index = (uint32_t)ifindex,
	};
	char text[64];
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_DELADDR, 0, &ifa, sizeof(ifa));
	nl_put(&m, IFA_LOCAL, addr, rtnl_addr_len(family));
	nl_put(&m, IFA_ADDRESS, addr, rtnl_addr_len(family));
	r = nl_call(s, &m, e);
	if (r == -EADDRNOTAVAIL || r == -ENODEV)
		return 0;
	return r < 0 ? err_wrap(e, r, "cannot remove %s", addr_text(family, addr, plen, text)) : 0;
}

/* --- routes ---------------------------------------------------------------------------------- */

int rtnl_route_replace(struct nl_sock *s, const struct rtnl_route *r, const char *dev,
		       struct err *e)
{
	char text[64];
	struct nl_msg m;
	int rc;

	nl_msg_init(&m);
	rtnl_put_route(&m, r);
	rc = nl_call(s, &m, e);
	if (rc < 0)
		return err_wrap(e, rc, "cannot add route %s dev %s",
				addr_text(r->family, r->dst, r->plen, text), dev);
	return 0;
}

struct route_answer {
	int oif;
	uint32_t mtu;
};

static void parse_metrics(const struct nlattr *a, void *arg)
{
	struct route_answer *ra = arg;

	if (nl_attr_type(a) == RTAX_MTU && nl_attr_len(a) == sizeof(uint32_t))
		ra->mtu = nl_attr_u32(a);
}

static void parse_route_attr(const struct nlattr *a, void *arg)
{
	struct route_answer *ra = arg;

	if (nl_attr_type(a) == RTA_OIF && nl_attr_len(a) == sizeof(uint32_t))
		ra->oif = (int)nl_attr_u32(a);
	else if (nl_attr_type(a) == RTA_METRICS)
		nl_attr_each_in(a, parse_metrics, ra);
}

static int got_route(const struct nlmsghdr *nlh, void *arg)
{
	if (nlh->nlmsg_type == RTM_NEWROUTE)
		nl_attr_each(nlh, sizeof(struct rtmsg), parse_route_attr, arg);
	return 0;
}

int rtnl_route_get(struct nl_sock *s, int family, const void *dst, uint32_t mark, int *ret_oif,
		   uint32_t *ret_mtu, struct err *e)
{
	struct rtmsg rt = {
		.rtm_family = (uint8_t)family,
		.rtm_dst_len = family == AF_INET ? 32 : 128,
	};
	struct route_answer ra = {0};
	char text[64];
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETROUTE, 0, &rt, sizeof(rt));
	nl_put(&m, RTA_DST, dst, rtnl_addr_len(family));
	if (mark)
		nl_put_u32(&m, RTA_MARK, mark);
	r = nl_query(s, &m, got_route, &ra, e);
	if (r < 0)
		return err_wrap(e, r, "no route to %s",
				inet_ntop(family, dst, text, sizeof(text)) ? text : "?");
	*ret_oif = ra.oif;
	*ret_mtu = ra.mtu;
	return 0;
}

struct route_prefix {
	int oif;
	uint32_t table;
	bool has_dst;
	uint8_t dst[16];
};

static void parse_prefix_attr(const struct nlattr *a, void *arg)
{
	struct route_prefix *p = arg;
	size_t len = nl_attr_len(a);

	if (nl_attr_type(a) == RTA_DST && len <= sizeof(p->dst)) {
		memcpy(p->dst, nl_attr_data(a), len);
		p->has_dst = true;
	} else if (nl_attr_type(a) == RTA_OIF && len == sizeof(uint32_t)) {
		p->oif = (int)nl_attr_u32(a);
	} else if (nl_attr_type(a) == RTA_TABLE && len == sizeof(uint32_t)) {
		p->table = nl_attr_u32(a);
	}
}

/* A route that has several ways is one of each. */
struct route_ways {
	const struct rtnl_route_walk *w;
	const struct rtmsg *rt;
	const struct route_prefix *p;
	int r;
};

static void each_way(const struct nlattr *a, void *arg)
{
	struct route_ways *ways = arg;
	const uint8_t *at = nl_attr_data(a);
	size_t len = nl_attr_len(a);
	struct rtnexthop nh;

	if (nl_attr_type(a) != RTA_MULTIPATH)
		return;
	while (ways->r == 0 && len >= sizeof(nh)) {
		size_t step;

		memcpy(&nh, at, sizeof(nh));
		step = NLMSG_ALIGN((size_t)nh.rtnh_len);
		if (nh.rtnh_len < sizeof(nh) || step > len)
			return;
		ways->r = ways->w->fn(ways->rt->rtm_family, ways->p->dst, ways->rt->rtm_dst_len,
				      nh.rtnh_ifindex, ways->w->arg);
		at += step;
		len -= step;
	}
}

static int got_prefix(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rt = nl_payload(nlh);
	const struct rtnl_route_walk *w = arg;
	struct route_prefix p = {0};

	if (nlh->nlmsg_type != RTM_NEWROUTE || nl_payload_len(nlh) < sizeof(*rt))
		return 0;
	p.table = rt->rtm_table;
	nl_attr_each(nlh, sizeof(*rt), parse_prefix_attr, &p);
	if (!p.has_dst || p.table != RT_TABLE_MAIN || rt->rtm_type != RTN_UNICAST ||
	    rt->rtm_dst_len == 0)
		return 0;
	if (!p.oif) {
		struct route_ways ways = {.w = w, .rt = rt, .p = &p};

		nl_attr_each(nlh, sizeof(*rt), each_way, &ways);
		return ways.r;
	}
	return w->fn(rt->rtm_family, p.dst, rt->rtm_dst_len, p.oif, w->arg);
}

static void begin_walk(void *arg)
{
	const struct rtnl_route_walk *w = arg;

	if (w->begin)
		w->begin(w->arg);
}

int rtnl_route_for_each(struct nl_sock *s, int family, const struct rtnl_route_walk *walk,
			struct err *e)
{
	struct rtmsg rt = {.rtm_family = (uint8_t)family};
	struct rtnl_route_walk w = *walk;
	const struct nl_table table = {begin_walk, got_prefix, &w};
	struct nl_msg m;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETROUTE, NLM_F_DUMP, &rt, sizeof(rt));
	return nl_read_table(s, &m, &table, e);
}

struct route_count {
	const struct rtnl_routes *q;
	size_t n;
};

static bool has_prefix(const uint8_t *addr, const uint8_t *net, uint8_t plen)
{
	size_t whole = plen / 8;
	uint8_t mask = (uint8_t)(0xff00 >> plen % 8);

	return memcmp(addr, net, whole) == 0 &&
	       (plen % 8 == 0 || ((addr[whole] ^ net[whole]) & mask) == 0);
}

static int count_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rt = nl_payload(nlh);
	struct route_count *c = arg;
	const struct rtnl_routes *q = c->q;
	struct route_prefix p = {0};

	if (nlh->nlmsg_type != RTM_NEWROUTE || nl_payload_len(nlh) < sizeof(*rt))
		return 0;
	p.table = rt->rtm_table;
	nl_attr_each(nlh, sizeof(*rt), parse_prefix_attr, &p);
	c->n += p.table == q->table && (!q->dst || has_prefix(q->dst, p.dst, rt->rtm_dst_len)) &&
		(!q->oif || p.oif == q->oif) && !(q->others && rt->rtm_protocol == RTPROT_KERNEL);
	return 0;
}

static void begin_count(void *arg)
{
	((struct route_count *)arg)->n = 0;
}

int rtnl_route_count(struct nl_sock *s, const struct rtnl_routes *q, size_t *ret, struct err *e)
{
	struct rtmsg rt = {.rtm_family = (uint8_t)q->family};
	struct route_count c = {.q = q};
	const struct nl_table table = {begin_count, count_route, &c};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETROUTE, NLM_F_DUMP, &rt, sizeof(rt));
	r = nl_read_table(s, &m, &table, e);
	if (r < 0)
		return err_wrap(e, r, "cannot list the routes of table %u", q->table);
	*ret = c.n;
	return 0;
}

/* --- namespace ids --------------------------------------------------------------- */

static void parse_nsid_attr(const struct nlattr *a, void *arg)
{
	int *nsid = arg;

	if (nl_attr_type(a) == NETNSA_NSID && nl_attr_len(a) == sizeof(uint32_t))
		*nsid = (int)nl_attr_u32(a);
}

static int got_nsid(const struct nlmsghdr *nlh, void *arg)
{
	if (nlh->nlmsg_type == RTM_NEWNSID)
		nl_attr_each(nlh, sizeof(struct rtgenmsg), parse_nsid_attr, arg);
	return 0;
}

int rtnl_nsid_get(struct nl_sock *s, int netns_fd, int *ret, struct err *e)
{
	struct rtgenmsg gen = {.rtgen_family = AF_UNSPEC};
	struct nl_msg m;
	int nsid = -1, r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETNSID, 0, &gen, sizeof(gen));
	nl_put_u32(&m, NETNSA_FD, (uint32_t)netns_fd);
	r = nl_query(s, &m, got_nsid, &nsid, e);
	if (r < 0)
		return err_wrap(e, r, "cannot look up a network namespace's id");
	if (nsid < 0)
		return err_set(e, -ENOENT, "the network namespace has no id here");
	*ret = nsid;
	return 0;
}

int rtnl_nsid_ensure(struct nl_sock *s, int netns_fd, int *ret, struct err *e)
{
	struct rtgenmsg gen = {.rtgen_family = AF_UNSPEC};
	struct nl_msg m;
	int r = rtnl_nsid_get(s, netns_fd, ret, e);

	if (r != -ENOENT)
		return r;
	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_NEWNSID, 0, &gen, sizeof(gen));
	nl_put_u32(&m, NETNSA_NSID, (uint32_t)-1);
	nl_put_u32(&m, NETNSA_FD, (uint32_t)netns_fd);
	r = nl_call(s, &m, e);
	if (r < 0 && r != -EEXIST)
		return err_wrap(e, r, "cannot give a network namespace an id");
	return rtnl_nsid_get(s, netns_fd, ret, e);
}
