/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that change something and are answered by an ack alone, and the index of a name: built
 * here, sent by nl/sock.
 */
#include "nl/rtnl.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/util.h"
#include "nl/rule.h"

static void begin_new_link(struct nl_msg *m, unsigned int flags)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC, .ifi_flags = flags, .ifi_change = flags};

	nl_msg_init(m);
	nl_msg_begin(m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
}

/* Without no_ll_learn a frame to 01:80:c2:00:00:0x moves another port's forwarding entry before any
 * nft hook has seen it. */
static void put_quiet_bridge(struct nl_msg *m)
{
	struct br_boolopt_multi opts = {
		.optval = 1u << BR_BOOLOPT_NO_LL_LEARN,
		.optmask = 1u << BR_BOOLOPT_NO_LL_LEARN,
	};
	size_t info = nl_nest(m, IFLA_LINKINFO), data;

	nl_put_str(m, IFLA_INFO_KIND, "bridge");
	data = nl_nest(m, IFLA_INFO_DATA);
	nl_put_u32(m, IFLA_BR_STP_STATE, 0);
	nl_put_u32(m, IFLA_BR_FORWARD_DELAY, 0);
	nl_put_u8(m, IFLA_BR_MCAST_SNOOPING, 0);
	nl_put(m, IFLA_BR_MULTI_BOOLOPT, &opts, sizeof(opts));
	nl_nest_end(m, data);
	nl_nest_end(m, info);
}

int rtnl_link_add_bridge(struct nl_sock *s, const char *name, const uint8_t mac[6], uint32_t mtu,
			 struct err *e)
{
	struct nl_msg m;
	int r;

	begin_new_link(&m, 0);
	nl_put_str(&m, IFLA_IFNAME, name);
	nl_put(&m, IFLA_ADDRESS, mac, 6);
	/* An MTU that was changed stays; any other, ports that come and go change. */
	nl_put_u32(&m, IFLA_MTU, mtu - 1);
	put_quiet_bridge(&m);
	r = nl_call(s, &m, e);
	if (r < 0)
		return err_wrap(e, r, "cannot create bridge %s", name);
	return rtnl_link_set_mtu(s, name, mtu, e);
}

int rtnl_link_add_wireguard(struct nl_sock *s, const char *name, int netns_fd, uint32_t mtu,
			    struct err *e)
{
	struct nl_msg m;
	size_t info;
	int r;

	begin_new_link(&m, 0);
	nl_put_str(&m, IFLA_IFNAME, name);
	nl_put_u32(&m, IFLA_MTU, mtu);
	nl_put_u32(&m, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	info = nl_nest(&m, IFLA_LINKINFO);
	nl_put_str(&m, IFLA_INFO_KIND, "wireguard");
	nl_nest_end(&m, info);
	r = nl_call(s, &m, e);
	if (r < 0)
		return err_wrap(e, r, "cannot create WireGuard device %s", name);
	return 0;
}

int rtnl_link_add_veth(struct nl_sock *s, const struct rtnl_veth *v, struct err *e)
{
	/* IFF_UP on the peer would be ENOTCONN: its owner sets it up. */
	struct ifinfomsg peer_ifi = {.ifi_family = AF_UNSPEC};
	struct nl_msg m;
	size_t info, data, peer;

	begin_new_link(&m, v->down ? 0 : IFF_UP);
	nl_put_str(&m, IFLA_IFNAME, v->name);
	nl_put_u32(&m, IFLA_NET_NS_FD, (uint32_t)v->netns_fd);
	nl_put_u32(&m, IFLA_MASTER, v->master);
	nl_put_u32(&m, IFLA_GROUP, v->group);
	nl_put_u32(&m, IFLA_MTU, v->mtu);
	nl_put_u32(&m, IFLA_NUM_TX_QUEUES, 1);
	nl_put_u32(&m, IFLA_NUM_RX_QUEUES, 1);
	info = nl_nest(&m, IFLA_LINKINFO);
	nl_put_str(&m, IFLA_INFO_KIND, "veth");
	data = nl_nest(&m, IFLA_INFO_DATA);
	peer = m.len;
	nl_put(&m, VETH_INFO_PEER, &peer_ifi, sizeof(peer_ifi));
	nl_put_str(&m, IFLA_IFNAME, v->peer_name);
	nl_put_u32(&m, IFLA_NET_NS_FD, (uint32_t)v->peer_netns_fd);
	nl_put(&m, IFLA_ADDRESS, v->peer_mac, 6);
	nl_put_u32(&m, IFLA_MTU, v->mtu);
	nl_put_u32(&m, IFLA_NUM_TX_QUEUES, 1);
	nl_put_u32(&m, IFLA_NUM_RX_QUEUES, 1);
	nl_nest_end(&m, peer);
	nl_nest_end(&m, data);
	nl_nest_end(&m, info);
	return nl_call(s, &m, e);
}

int rtnl_link_delete(struct nl_sock *s, int nsid, const char *name, struct err *e)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_DELLINK, 0, &ifi, sizeof(ifi));
	nl_put_str(&m, IFLA_IFNAME, name);
	if (nsid != RTNL_HERE)
		nl_put_u32(&m, IFLA_TARGET_NETNSID, (uint32_t)nsid);
	r = nl_call(s, &m, e);
	if (r < 0)
		return err_wrap(e, r, "cannot delete device %s", name);
	return 0;
}

static void begin_set_link(struct nl_msg *m, const char *name, unsigned int flags,
			   unsigned int change)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC, .ifi_flags = flags, .ifi_change = change};

	nl_msg_init(m);
	nl_msg_begin(m, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	nl_put_str(m, IFLA_IFNAME, name);
}

int rtnl_link_set_up(struct nl_sock *s, const char *name, bool up, struct err *e)
{
	struct nl_msg m;
	int r;

	begin_set_link(&m, name, up ? IFF_UP : 0, IFF_UP);
	r = nl_call(s, &m, e);
	if (r < 0)
		return err_wrap(e, r, "cannot set %s %s", name, up ? "up" : "down");
	return 0;
}

int rtnl_link_set_master(struct nl_sock *s, int ifindex, const char *name, int master,
			 struct err *e)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	nl_put_u32(&m, IFLA_MASTER, (uint32_t)master);
	r = nl_call(s, &m, e);
	if (r < 0)
		err_wrap(e, r, "cannot put %s back into its bridge", name);
	return r;
}

int rtnl_link_set_mtu(struct nl_sock *s, const char *name, uint32_t mtu, struct err *e)
{
	struct nl_msg m;
	int r;

	begin_set_link(&m, name, 0, 0);
	nl_put_u32(&m, IFLA_MTU, mtu);
	r = nl_call(s, &m, e);
	if (r < 0)
		return err_wrap(e, r, "cannot set %s mtu %u", name, mtu);
	return 0;
}

int rtnl_link_set_mac(struct nl_sock *s, const char *name, const uint8_t mac[6], struct err *e)
{
	struct nl_msg m;
	int r;

	begin_set_link(&m, name, 0, 0);
	nl_put(&m, IFLA_ADDRESS, mac, 6);
	r = nl_call(s, &m, e);
	if (r < 0)
		return err_wrap(e, r, "cannot set the MAC address of %s", name);
	return 0;
}

int rtnl_link_set_quiet(struct nl_sock *s, const char *name, struct err *e)
{
	struct nl_msg m;
	int r;

	begin_set_link(&m, name, 0, 0);
	put_quiet_bridge(&m);
	r = nl_call(s, &m, e);
	if (r < 0)
		return err_wrap(e, r, "cannot set up the bridge %s", name);
	return 0;
}

int rtnl_link_set_alias(struct nl_sock *s, const char *name, const char *alias, struct err *e)
{
	struct nl_msg m;
	int r;

	begin_set_link(&m, name, 0, 0);
	nl_put(&m, IFLA_IFALIAS, alias, strlen(alias));
	r = nl_call(s, &m, e);
	if (r < 0)
		return err_wrap(e, r, "cannot set the alias of %s", name);
	return 0;
}

int rtnl_link_set_netns(struct nl_sock *s, const char *name, int netns_fd, struct err *e)
{
	struct nl_msg m;
	int r;

	begin_set_link(&m, name, 0, 0);
	nl_put_u32(&m, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	r = nl_call(s, &m, e);
	if (r < 0)
		return err_wrap(e, r, "cannot move %s to another namespace", name);
	return 0;
}

static int got_index(const struct nlmsghdr *nlh, void *arg)
{
	struct ifinfomsg ifi;

	if (nlh->nlmsg_type != RTM_NEWLINK || nlh->nlmsg_len < NLMSG_HDRLEN + sizeof(ifi))
		return -EPROTO;
	memcpy(&ifi, (const char *)nlh + NLMSG_HDRLEN, sizeof(ifi));
	*(int *)arg = ifi.ifi_index;
	return 0;
}

int rtnl_link_index(struct nl_sock *s, const char *name, int *ret, struct err *e)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETLINK, 0, &ifi, sizeof(ifi));
	nl_put_str(&m, IFLA_IFNAME, name);
	r = nl_query(s, &m, got_index, ret, e);
	return r < 0 ? err_wrap(e, r, "no device %s", name) : 0;
}

bool rtnl_link_exists(const struct nl_sock *s, const char *name)
{
	struct ifreq ifr = {.ifr_ifindex = 0};

	return str_copy(ifr.ifr_name, sizeof(ifr.ifr_name), name) == 0 &&
	       ioctl(s->fd, SIOCGIFINDEX, &ifr) == 0;
}

bool rtnl_link_is_running(const struct nl_sock *s, const char *name)
{
	struct ifreq ifr = {.ifr_ifindex = 0};

	return str_copy(ifr.ifr_name, sizeof(ifr.ifr_name), name) == 0 &&
	       ioctl(s->fd, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_RUNNING);
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

void rtnl_put_link_up(struct nl_msg *m, int ifindex)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	nl_msg_begin(m, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
}

void rtnl_put_link_up_quiet(struct nl_msg *m, int ifindex)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex};
	size_t spec, inet6;

	/* A request of its own: within one, the kernel sets IFF_UP before it looks at AF_SPEC. */
	nl_msg_begin(m, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	spec = nl_nest(m, IFLA_AF_SPEC);
	inet6 = nl_nest(m, AF_INET6);
	nl_put_u8(m, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nl_nest_end(m, inet6);
	nl_nest_end(m, spec);
	rtnl_put_link_up(m, ifindex);
}

size_t rtnl_addr_len(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

void rtnl_put_addr(struct nl_msg *m, int ifindex, int family, const void *addr, uint8_t plen,
		   bool no_prefix_route)
{
	struct ifaddrmsg ifa = {
		.ifa_family = (uint8_t)family,
		.ifa_prefixlen = plen,
		.ifa_index = (uint32_t)ifindex,
	};
	uint32_t flags = 0;

	if (family == AF_INET6)
		flags |= IFA_F_NODAD;
	if (no_prefix_route)
		flags |= IFA_F_NOPREFIXROUTE;
	nl_msg_begin(m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &ifa, sizeof(ifa));
	nl_put(m, IFA_LOCAL, addr, rtnl_addr_len(family));
	nl_put(m, IFA_ADDRESS, addr, rtnl_addr_len(family));
	nl_put_u32(m, IFA_FLAGS, flags);
}

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

static uint8_t action_of(const struct rtnl_rule *r)
{
	if (r->unreachable)
		return FR_ACT_UNREACHABLE;
	if (r->go_to)
		return FR_ACT_GOTO;
	return r->nop ? FR_ACT_NOP : FR_ACT_TO_TBL;
}

void rtnl_put_rule(struct nl_msg *m, uint16_t type, uint16_t flags, const struct rtnl_rule *r)
{
	struct fib_rule_hdr hdr = {
		.family = (uint8_t)r->family,
		.src_len = r->src_len,
		.dst_len = r->dst_len,
		.action = action_of(r),
	};

	hdr.table = hdr.action == FR_ACT_TO_TBL ? r->table : RT_TABLE_UNSPEC;
	nl_msg_begin(m, type, flags, &hdr, sizeof(hdr));
	if (r->src_len)
		nl_put(m, FRA_SRC, r->src, rtnl_addr_len(r->family));
	if (r->dst_len)
		nl_put(m, FRA_DST, r->dst, rtnl_addr_len(r->family));
	nl_put_u32(m, FRA_PRIORITY, r->priority);
	if (r->mask) {
		nl_put_u32(m, FRA_FWMARK, r->mark);
		nl_put_u32(m, FRA_FWMASK, r->mask);
	}
	if (r->go_to)
		nl_put_u32(m, FRA_GOTO, r->go_to);
	if (r->no_default)
		nl_put_u32(m, FRA_SUPPRESS_PREFIXLEN, 0);
	nl_put_u8(m, FRA_PROTOCOL, RTNL_RULE_PROTOCOL);
}

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
