/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See gone.h. A bridge tells of a port that leaves in the same words, but for the family: that is
 * not the end of the device.
 */
#include "nl/gone.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

int nl_gone_watch(struct nl_sock *s, struct err *e)
{
	int group = RTNLGRP_LINK;

	if (setsockopt(s->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return err_sys(e, -errno, "cannot watch the devices");
	return 0;
}

static bool is_last_word(const struct nlmsghdr *nlh, int ifindex)
{
	struct ifinfomsg ifi;

	if (nlh->nlmsg_type != RTM_DELLINK || nlh->nlmsg_len < NLMSG_LENGTH(sizeof(ifi)))
		return false;
	memcpy(&ifi, (const uint8_t *)nlh + NLMSG_HDRLEN, sizeof(ifi));
	return ifi.ifi_family == AF_UNSPEC && ifi.ifi_index == ifindex;
}

int nl_gone_read(struct nl_sock *s, int ifindex)
{
	uint8_t buf[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(s->fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &from_len);
	size_t at = 0;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (from.nl_pid != 0)
		return 0; /* not the kernel */
	while ((size_t)n - at >= NLMSG_HDRLEN) {
		const struct nlmsghdr *nlh = (const void *)(buf + at);

		if (nlh->nlmsg_len < NLMSG_HDRLEN || nlh->nlmsg_len > (size_t)n - at)
			break;
		if (is_last_word(nlh, ifindex))
			return 1;
		at += NLMSG_ALIGN(nlh->nlmsg_len);
		if (at > (size_t)n)
			break;
	}
	return 0;
}
