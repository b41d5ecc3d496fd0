/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See change.h. The kernel filters: a sandbox that comes or goes is a dozen messages, and none of
 * them is to wake a process for each of a thousand launches. The ports of sandboxes are known by
 * their names, which the kernel puts first in a message. Called by keeper/heal.
 */
#include "nl/change.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/util.h"

/* Where the kernel writes a device's name, and how that of a port begins. */
#define NAME_AT (NLMSG_LENGTH(sizeof(struct ifinfomsg)) + sizeof(struct rtattr))
/* A device's number and one value. */
#define ONE_SETTING	    (NLMSG_SPACE(sizeof(struct netconfmsg)) + 2 * RTA_SPACE(sizeof(uint32_t)))
#define READ_MAX	    64
#define PORT_NAME	    ('v' << 8 | 'r')

#define TYPE		    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type))
#define IF_EQUAL(k, t, f)   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), (t), (f))
#define IF_ANY_BIT(k, t, f) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (k), (t), (f))
#define PASS		    BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)
#define DROP		    BPF_STMT(BPF_RET | BPF_K, 0)

/* The kernel loads what it compares as if it came by a wire. */
static int filter_route(int fd)
{
	struct sock_filter code[] = {
		TYPE,
		IF_EQUAL(htons(RTM_NEWLINK), 13, 0),
		IF_EQUAL(htons(RTM_DELLINK), 12, 0),
		IF_EQUAL(htons(RTM_DELADDR), 9, 0),
		IF_EQUAL(htons(RTM_DELROUTE), 8, 0),
		IF_EQUAL(htons(RTM_DELRULE), 7, 0),
		IF_EQUAL(htons(RTM_NEWNETCONF), 4, 0),
		IF_EQUAL(htons(RTM_DELNEIGH), 7, 0),
		IF_EQUAL(htons(RTM_NEWROUTE), 0, 5),
		/* A route in the place of another. */
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_flags)),
		IF_ANY_BIT(htons(NLM_F_REPLACE), 2, 3),
		/* One setting that was changed; a new device tells of all of its own. */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_len)),
		IF_EQUAL(htonl(ONE_SETTING), 0, 1),
		PASS,
		DROP,
		/* A bridge and its table of addresses tell of each port in their own family. */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN),
		IF_EQUAL(AF_UNSPEC, 2, 0),
		IF_EQUAL(AF_BRIDGE, 3, 0),
		PASS,
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, NAME_AT),
		IF_EQUAL(PORT_NAME, 0, 1),
		DROP,
		PASS,
	};
	const struct sock_fprog f = {.len = ARRAY_SIZE(code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof(f)) < 0 ? -errno : 0;
}

/* The elements of a set change by design, and each transaction has a message that says nothing. */
static int filter_nft(int fd)
{
#define NFT(msg) htons(NFNL_SUBSYS_NFTABLES << 8 | (msg))
	struct sock_filter code[] = {
		TYPE,
		IF_EQUAL(NFT(NFT_MSG_NEWSETELEM), 3, 0),
		IF_EQUAL(NFT(NFT_MSG_DELSETELEM), 2, 0),
		IF_EQUAL(NFT(NFT_MSG_NEWGEN), 1, 0),
		PASS,
		DROP,
	};
	const struct sock_fprog f = {.len = ARRAY_SIZE(code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof(f)) < 0 ? -errno : 0;
}

static int join(int fd, const int *groups, size_t n)
{
	int yes = 1;

	for (size_t i = 0; i < n; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) < 0)
			return -errno;
	return setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &yes, sizeof(yes)) < 0 ? -errno
											   : 0;
}

int nl_change_watch(struct nl_sock *route, struct nl_sock *nft, struct err *e)
{
	static const int groups[] = {
		RTNLGRP_LINK,	      RTNLGRP_NEIGH,	  RTNLGRP_IPV4_IFADDR,
		RTNLGRP_IPV6_IFADDR,  RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
		RTNLGRP_IPV4_RULE,    RTNLGRP_IPV6_RULE,  RTNLGRP_IPV4_NETCONF,
		RTNLGRP_IPV6_NETCONF,
	};
	static const int nft_group = NFNLGRP_NFTABLES;
	int r = filter_route(route->fd);

	if (r == 0)
		r = filter_nft(nft->fd);
	if (r == 0)
		r = join(route->fd, groups, ARRAY_SIZE(groups));
	if (r == 0)
		r = join(nft->fd, &nft_group, 1);
	return r < 0 ? err_sys(e, r, "cannot listen to changes of the network") : 0;
}

bool nl_change_read(struct nl_sock *s)
{
	bool any = false;
	char buf[8192];

	/* Lost words are words, too; and who fills the queue is not read to its end. */
	for (int i = 0; i < READ_MAX && s->fd >= 0; i++) {
		if (recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC) < 0 && errno != ENOBUFS)
			break;
		any = true;
	}
	return any;
}
