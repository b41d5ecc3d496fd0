/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes: what is asked of them, and what is changed. Answers are length-checked attribute by
 * attribute.
 */
#include "nl/route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "nl/addr.h"
#include "nl/attr.h"

/* --- changing ----------------------------------------------------------------------------------
 */

/* In a table of its own, a route is among those of the host: see nl/rule.h. */
static void put_route(struct nl_msg *m, uint16_t type, uint16_t flags, const struct rtnl_route *r)
{
	struct rtmsg rt = {
		.rtm_family = (uint8_t)r->family,
		.rtm_dst_len = r->dst ? r->plen : 0,
		.rtm_table = r->table ? r->table : RT_TABLE_MAIN,
		.rtm_protocol = r->table ? RTPROT_KERNEL : RTPROT_STATIC,
		.rtm_scope = r->gateway || r->unreachable ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.rtm_type = r->unreachable ? RTN_UNREACHABLE : RTN_UNICAST,
		.rtm_flags = r->onlink ? RTNH_F_ONLINK : 0,
	};

	nl_msg_begin(m, type, flags, &rt, sizeof(rt));
	if (r->dst)
		nl_put(m, RTA_DST, r->dst, rtnl_addr_len(r->family));
	if (r->gateway)
		nl_put(m, RTA_GATEWAY, r->gateway, rtnl_addr_len(r->family));
	if (!r->unreachable)
		nl_put_u32(m, RTA_OIF, (uint32_t)r->oif);
	if (r->metric)
		nl_put_u32(m, RTA_PRIORITY, r->metric);
}

void rtnl_put_route(struct nl_msg *m, const struct rtnl_route *r)
{
	put_route(m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, r);
}

int rtnl_route_delete(struct nl_sock *s, const struct rtnl_route *r, struct err *e)
{
	struct nl_msg m;
	int rc;

	nl_msg_init(&m);
	put_route(&m, RTM_DELROUTE, 0, r);
	rc = nl_call(s, &m, e);
	/* An empty table of IPv6 answers for its last route, which cannot be deleted, with ENOENT.
	 */
	if (rc < 0 && rc != -ESRCH && rc != -ENOENT)
		return err_wrap(e, rc, "cannot delete a route of table %u", r->table);
	return 0;
}

int rtnl_route_replace(struct nl_sock *s, const struct rtnl_route *r, const char *dev,
		       struct err *e)
{
	char text[RTNL_PREFIX_LEN];
	struct nl_msg m;
	int rc;

	nl_msg_init(&m);
	rtnl_put_route(&m, r);
	rc = nl_call(s, &m, e);
	if (rc < 0)
		return err_wrap(e, rc, "cannot add route %s dev %s",
				rtnl_prefix_text(r->family, r->dst, r->plen, text), dev);
	return 0;
}

/* --- one destination ---------------------------------------------------------------------------
 */

static void parse_metrics(const struct nlattr *a, void *arg)
{
	struct rtnl_way *way = arg;

	if (nl_attr_type(a) == RTAX_MTU && nl_attr_len(a) == sizeof(uint32_t))
		way->mtu = nl_attr_u32(a);
}

static void parse_route_attr(const struct nlattr *a, void *arg)
{
	struct rtnl_way *way = arg;

	if (nl_attr_type(a) == RTA_OIF && nl_attr_len(a) == sizeof(uint32_t))
		way->oif = (int)nl_attr_u32(a);
	else if (nl_attr_type(a) == RTA_METRICS)
		nl_attr_each_in(a, parse_metrics, way);
}

static int got_route(const struct nlmsghdr *nlh, void *arg)
{
	if (nlh->nlmsg_type == RTM_NEWROUTE)
		nl_attr_each(nlh, sizeof(struct rtmsg), parse_route_attr, arg);
	return 0;
}

int rtnl_route_get(struct nl_sock *s, const struct rtnl_target *to, struct rtnl_way *ret,
		   struct err *e)
{
	struct rtmsg rt = {
		.rtm_family = (uint8_t)to->family,
		.rtm_dst_len = (uint8_t)(rtnl_addr_len(to->family) * 8),
	};
	struct rtnl_way way = {0};
	char text[64];
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETROUTE, 0, &rt, sizeof(rt));
	nl_put(&m, RTA_DST, to->addr, rtnl_addr_len(to->family));
	if (to->mark)
		nl_put_u32(&m, RTA_MARK, to->mark);
	r = nl_query(s, &m, got_route, &way, e);
	if (r < 0)
		return err_wrap(e, r, "no route to %s",
				inet_ntop(to->family, to->addr, text, sizeof(text)) ? text : "?");
	*ret = way;
	return 0;
}

static int got_route_type(const struct nlmsghdr *nlh, void *arg)
{
	struct rtmsg rt;

	if (nlh->nlmsg_type != RTM_NEWROUTE || nlh->nlmsg_len < NLMSG_HDRLEN + sizeof(rt))
		return -EPROTO;
	memcpy(&rt, (const char *)nlh + NLMSG_HDRLEN, sizeof(rt));
	*(int *)arg = rt.rtm_type;
	return 0;
}

int rtnl_addr_is_local(struct nl_sock *s, int family, const void *addr, struct err *e)
{
	struct rtmsg rt = {
		.rtm_family = (uint8_t)family,
		.rtm_dst_len = (uint8_t)(rtnl_addr_len(family) * 8),
	};
	int type = RTN_UNSPEC, r;
	struct nl_msg m;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETROUTE, 0, &rt, sizeof(rt));
	nl_put(&m, RTA_DST, addr, rtnl_addr_len(family));
	r = nl_query(s, &m, got_route_type, &type, e);
	return r < 0 ? r : type == RTN_LOCAL;
}

/* --- all of a table ----------------------------------------------------------------------------
 */

struct route_seen {
	uint32_t table;
	bool has_dst;
	uint8_t dst[16];
	struct rtnl_default by; /* the way, of whatever prefix */
};

static void parse_seen_attr(const struct nlattr *a, void *arg)
{
	struct route_seen *p = arg;
	size_t len = nl_attr_len(a);
	int type = nl_attr_type(a);

	if (type == RTA_DST && len <= sizeof(p->dst)) {
		memcpy(p->dst, nl_attr_data(a), len);
		p->has_dst = true;
	} else if (type == RTA_GATEWAY && len <= sizeof(p->by.gateway)) {
		memcpy(p->by.gateway, nl_attr_data(a), len);
		p->by.has_gateway = true;
	} else if (type == RTA_VIA) {
		p->by.is_via = true;
	} else if (len != sizeof(uint32_t)) {
		return;
	} else if (type == RTA_OIF) {
		p->by.oif = (int)nl_attr_u32(a);
	} else if (type == RTA_TABLE) {
		p->table = nl_attr_u32(a);
	} else if (type == RTA_PRIORITY) {
		p->by.metric = nl_attr_u32(a);
	}
}

/* False: it is not a route. */
static bool read_route(const struct nlmsghdr *nlh, struct route_seen *ret)
{
	const struct rtmsg *rt = nl_payload(nlh);

	if (nlh->nlmsg_type != RTM_NEWROUTE || nl_payload_len(nlh) < sizeof(*rt))
		return false;
	*ret = (struct route_seen){.table = rt->rtm_table};
	nl_attr_each(nlh, sizeof(*rt), parse_seen_attr, ret);
	return true;
}

static int read_routes(struct nl_sock *s, int family, const struct nl_table *table, struct err *e)
{
	struct rtmsg rt = {.rtm_family = (uint8_t)family};
	struct nl_msg m;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETROUTE, NLM_F_DUMP, &rt, sizeof(rt));
	return nl_read_table(s, &m, table, e);
}

/* A route that has several ways is one of each. */
struct route_ways {
	const struct route_seen *of;
	/* Is given the whole with one of its ways, until it returns anything but 0. */
	int (*fn)(const struct route_seen *p, const struct rtnexthop *nh, void *arg);
	void *arg;
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
		struct route_seen p = *ways->of;
		size_t step;

		memcpy(&nh, at, sizeof(nh));
		step = NLMSG_ALIGN((size_t)nh.rtnh_len);
		if (nh.rtnh_len < sizeof(nh) || step > len)
			return;
		nl_attr_each_at(at + sizeof(nh), nh.rtnh_len - sizeof(nh), parse_seen_attr, &p);
		p.by.oif = nh.rtnh_ifindex;
		ways->r = ways->fn(&p, &nh, ways->arg);
		at += step;
		len -= step;
	}
}

struct prefix_walk {
	const struct rtnl_route_walk *w;
	const struct rtmsg *rt;
};

static int got_prefix_way(const struct route_seen *p, const struct rtnexthop *nh, void *arg)
{
	const struct prefix_walk *w = arg;

	return w->w->fn(w->rt->rtm_family, p->dst, w->rt->rtm_dst_len, nh->rtnh_ifindex, w->w->arg);
}

static int got_prefix(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rt = nl_payload(nlh);
	const struct rtnl_route_walk *w = arg;
	struct route_seen p;

	if (!read_route(nlh, &p) || !p.has_dst || p.table != RT_TABLE_MAIN ||
	    rt->rtm_type != RTN_UNICAST || rt->rtm_dst_len == 0)
		return 0;
	if (!p.by.oif) {
		struct prefix_walk each = {w, rt};
		struct route_ways ways = {&p, got_prefix_way, &each, 0};

		nl_attr_each(nlh, sizeof(*rt), each_way, &ways);
		return ways.r;
	}
	return w->fn(rt->rtm_family, p.dst, rt->rtm_dst_len, p.by.oif, w->arg);
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
	struct rtnl_route_walk w = *walk;
	const struct nl_table table = {begin_walk, got_prefix, &w};

	return read_routes(s, family, &table, e);
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
	struct route_seen p;

	if (!read_route(nlh, &p) || rt->rtm_family != q->family ||
	    rt->rtm_dst_len > rtnl_addr_len(q->family) * 8)
		return 0;
	c->n += p.table == q->table && (!q->dst || has_prefix(q->dst, p.dst, rt->rtm_dst_len)) &&
		(!q->oif || p.by.oif == q->oif) &&
		!(q->others && rt->rtm_protocol == RTPROT_KERNEL);
	return 0;
}

static void begin_count(void *arg)
{
	((struct route_count *)arg)->n = 0;
}

int rtnl_route_count(struct nl_sock *s, const struct rtnl_routes *q, size_t *ret, struct err *e)
{
	struct route_count c = {.q = q};
	const struct nl_table table = {begin_count, count_route, &c};
	int r = read_routes(s, q->family, &table, e);

	if (r < 0)
		return err_wrap(e, r, "cannot list the routes of table %u", q->table);
	*ret = c.n;
	return 0;
}

struct default_search {
	int by; /* 0: any */
	struct rtnl_default best;
};

static int take_default(const struct route_seen *p, const struct rtnexthop *nh, void *arg)
{
	const struct rtnl_default *d = &p->by;
	struct default_search *q = arg;

	if (!d->oif || (q->by && d->oif != q->by) ||
	    (nh && nh->rtnh_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)))
		return 0;
	/* Of several ways with one metric it is the first, but for one that nobody can take. */
	if (!q->best.oif || d->metric < q->best.metric ||
	    (d->metric == q->best.metric && q->best.is_via && !d->is_via))
		q->best = *d;
	return 0;
}

static int got_default(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rt = nl_payload(nlh);
	struct route_seen p;
	struct route_ways ways = {&p, take_default, arg, 0};

	if (!read_route(nlh, &p) || rt->rtm_type != RTN_UNICAST || rt->rtm_dst_len != 0 ||
	    p.table != RT_TABLE_MAIN)
		return 0;
	if (p.by.oif)
		return take_default(&p, NULL, arg);
	nl_attr_each(nlh, sizeof(*rt), each_way, &ways);
	return 0;
}

static void begin_default(void *arg)
{
	((struct default_search *)arg)->best = (struct rtnl_default){0};
}

int rtnl_default_find(struct nl_sock *s, int family, struct rtnl_default *d, struct err *e)
{
	struct default_search q = {.by = d->oif};
	const struct nl_table table = {begin_default, got_default, &q};
	int r = read_routes(s, family, &table, e);

	if (r < 0)
		return err_wrap(e, r, "cannot list the default routes");
	*d = q.best;
	return 0;
}
