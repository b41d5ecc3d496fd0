/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making, altering and deleting devices: requests that are answered by an ack alone.
 */
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>

#include "nl/link.h"

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
