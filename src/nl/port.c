/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the plugger reads of links. Called by plug/search.c and plugd/limit.c.
 */
#include "nl/port.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "nl/attr.h"
#include "nl/link.h"

#ifndef RTEXT_FILTER_SKIP_STATS
#define RTEXT_FILTER_SKIP_STATS (1 << 3)
#endif

static void parse_attr(const struct nlattr *a, void *arg)
{
	struct port *p = arg;
	size_t len = nl_attr_len(a);

	if (nl_attr_type(a) == IFLA_IFNAME && len < sizeof(p->name))
		memcpy(p->name, nl_attr_data(a), len);
	else if (nl_attr_type(a) == IFLA_GROUP && len == sizeof(p->group))
		p->group = nl_attr_u32(a);
}

static int parse(const struct nlmsghdr *nlh, void *arg)
{
	if (nlh->nlmsg_type != RTM_NEWLINK || nl_payload_len(nlh) < sizeof(struct ifinfomsg))
		return -EPROTO;
	memset(arg, 0, sizeof(struct port));
	nl_attr_each(nlh, sizeof(struct ifinfomsg), parse_attr, arg);
	return 0;
}

static void begin_request(struct nl_msg *m, unsigned int flags, int nsid)
{
	const struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};

	nl_msg_init(m);
	nl_msg_begin(m, RTM_GETLINK, (uint16_t)flags, &ifi, sizeof(ifi));
	if (nsid != RTNL_HERE)
		nl_put_u32(m, IFLA_TARGET_NETNSID, (uint32_t)nsid);
}

int port_get(struct nl_sock *s, int nsid, const char *name, struct port *ret, struct err *e)
{
	struct nl_msg m;

	begin_request(&m, 0, nsid);
	nl_put_str(&m, IFLA_IFNAME, name);
	return nl_query(s, &m, parse, ret, e);
}

struct reader {
	port_fn fn;
	void *arg;
};

static int got(const struct nlmsghdr *nlh, void *arg)
{
	const struct reader *r = arg;
	struct port p;

	if (parse(nlh, &p) == 0)
		r->fn(&p, r->arg);
	return 0;
}

int port_each(struct nl_sock *s, int nsid, port_fn fn, void *arg, struct err *e)
{
	struct reader r = {fn, arg};
	struct nl_msg m;

	begin_request(&m, NLM_F_DUMP, nsid);
	nl_put_u32(&m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return nl_dump(s, &m, got, &r, e);
}
