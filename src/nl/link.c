/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading devices and the ids of namespaces. Answers are length-checked attribute by attribute.
 */
#include "nl/link.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/util.h"
#include "nl/attr.h"

#ifndef RTEXT_FILTER_SKIP_STATS
#define RTEXT_FILTER_SKIP_STATS (1 << 3)
#endif

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

int rtnl_link_find(struct nl_sock *s, const char *dev, int ifindex, struct rtnl_link *ret,
		   struct err *e)
{
	struct err why = ERR_INIT;
	int r = dev ? rtnl_link_get(s, RTNL_HERE, dev, ret, &why)
		    : rtnl_link_get_index(s, ifindex, ret, &why);

	return r == 0 ? 1 : r == -ENODEV ? 0 : err_set(e, r, "%s", why.msg);
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

static void begin_list(struct nl_msg *m)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};

	nl_msg_init(m);
	nl_msg_begin(m, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
}

static int read_list(struct nl_sock *s, struct nl_msg *m, struct rtnl_link **ret, size_t *ret_n,
		     struct err *e)
{
	struct link_list ll = {0};
	const struct nl_table table = {begin_links, got_list_link, &ll};
	int r = nl_read_table(s, m, &table, e);

	if (r < 0) {
		free(ll.v);
		return err_wrap(e, r, "cannot list the devices");
	}
	*ret = ll.v;
	*ret_n = ll.n;
	return 0;
}

int rtnl_link_list(struct nl_sock *s, int nsid, struct rtnl_link **ret, size_t *ret_n,
		   struct err *e)
{
	struct nl_msg m;

	begin_list(&m);
	/* Counters are most of each answer, and hardly anybody who lists reads them. */
	nl_put_u32(&m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (nsid != RTNL_HERE)
		nl_put_u32(&m, IFLA_TARGET_NETNSID, (uint32_t)nsid);
	return read_list(s, &m, ret, ret_n, e);
}

int rtnl_link_list_counted(struct nl_sock *s, struct rtnl_link **ret, size_t *ret_n, struct err *e)
{
	struct nl_msg m;

	begin_list(&m);
	return read_list(s, &m, ret, ret_n, e);
}

bool rtnl_link_is_port(const struct rtnl_link *l)
{
	return !strcmp(l->kind, "veth") && !strncmp(l->name, "vr", 2);
}

/* --- of which little is asked ------------------------------------------------------------------
 */

int rtnl_link_index(const struct nl_sock *s, const char *name, int *ret, struct err *e)
{
	struct ifreq ifr = {.ifr_ifindex = 0};

	if (str_copy(ifr.ifr_name, sizeof(ifr.ifr_name), name) < 0 ||
	    ioctl(s->fd, SIOCGIFINDEX, &ifr) < 0)
		return err_set(e, -ENODEV, "no device %s", name);
	*ret = ifr.ifr_ifindex;
	return 0;
}

bool rtnl_link_is_running(const struct nl_sock *s, const char *name)
{
	struct ifreq ifr = {.ifr_ifindex = 0};

	return str_copy(ifr.ifr_name, sizeof(ifr.ifr_name), name) == 0 &&
	       ioctl(s->fd, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_RUNNING);
}

/* --- namespace ids -----------------------------------------------------------------------------
 */

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
