/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See gone.h. A bridge tells of a port that leaves in the same words, but for the family: that is
 * not the end of the device.
 */
#include "nl/gone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

int nl_gone_watch(struct nl_sock *s, struct err *e)
{
	int group = RTNLGRP_LINK;

	if (setsockopt(s->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return err_sys(e, -errno, "cannot watch the devices");
	return 0;
}

int nl_gone_watch_all(struct nl_sock *s, struct err *e)
{
	/* The kernel loads what it compares as if it came by a wire. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELLINK), 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNSPEC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
	int yes = 1;

	if (setsockopt(s->fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
	    setsockopt(s->fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &yes, sizeof(yes)) < 0)
		return err_sys(e, -errno, "cannot watch the devices of other namespaces");
	return nl_gone_watch(s, e);
}

/* The index of the device whose last word that is; 0: it is not one. */
static int last_word(const struct nlmsghdr *nlh)
{
	struct ifinfomsg ifi;

	if (nlh->nlmsg_type != RTM_DELLINK || nlh->nlmsg_len < NLMSG_LENGTH(sizeof(ifi)))
		return 0;
	memcpy(&ifi, (const uint8_t *)nlh + NLMSG_HDRLEN, sizeof(ifi));
	return ifi.ifi_family == AF_UNSPEC ? ifi.ifi_index : 0;
}

static bool read_name(const struct nlmsghdr *nlh, char ret[IF_NAMESIZE])
{
	const uint8_t *at = (const uint8_t *)nlh + NLMSG_SPACE(sizeof(struct ifinfomsg));
	const uint8_t *end = (const uint8_t *)nlh + nlh->nlmsg_len;
	struct rtattr a;

	for (; at < end && (size_t)(end - at) >= sizeof(a); at += RTA_ALIGN(a.rta_len)) {
		memcpy(&a, at, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > (size_t)(end - at))
			return false;
		if (a.rta_type != IFLA_IFNAME || a.rta_len > RTA_LENGTH(IF_NAMESIZE))
			continue;
		memcpy(ret, at + RTA_LENGTH(0), a.rta_len - RTA_LENGTH(0));
		ret[IF_NAMESIZE - 1] = '\0';
		return true;
	}
	return false;
}

/* Calls fn with each message of the kernel's that has come. Returns what fn did, if not 0. */
static int read_some(struct nl_sock *s, int flags, int (*fn)(const struct nlmsghdr *nlh, void *arg),
		     void *arg)
{
	uint8_t buf[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(s->fd, buf, sizeof(buf), flags, (struct sockaddr *)&from, &from_len);
	size_t at = 0;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (from.nl_pid != 0)
		return 0; /* not the kernel */
	while ((size_t)n - at >= NLMSG_HDRLEN) {
		const struct nlmsghdr *nlh = (const void *)(buf + at);
		int r;

		if (nlh->nlmsg_len < NLMSG_HDRLEN || nlh->nlmsg_len > (size_t)n - at)
			break;
		r = fn(nlh, arg);
		if (r != 0)
			return r;
		at += NLMSG_ALIGN(nlh->nlmsg_len);
		if (at > (size_t)n)
			break;
	}
	return 0;
}

static int is_the_one(const struct nlmsghdr *nlh, void *arg)
{
	const int *ifindex = arg;

	return last_word(nlh) == *ifindex;
}

int nl_gone_read(struct nl_sock *s, int ifindex)
{
	return read_some(s, 0, is_the_one, &ifindex);
}

struct teller {
	void (*fn)(const char *name, void *arg);
	void *arg;
};

static int tell(const struct nlmsghdr *nlh, void *arg)
{
	const struct teller *t = arg;
	char name[IF_NAMESIZE] = "";

	if (last_word(nlh) && read_name(nlh, name))
		t->fn(name, t->arg);
	return 0;
}

int nl_gone_names(struct nl_sock *s, void (*fn)(const char *name, void *arg), void *arg)
{
	struct teller t = {fn, arg};
	int r;

	do
		r = read_some(s, MSG_DONTWAIT, tell, &t);
	while (r == 0);
	return r == -EAGAIN ? 0 : r;
}
