/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FIB rules of <linux/fib_rules.h>. Must never report, change or delete a rule that does not carry
 * the protocol number of ours. Called by vpn/bridge_table and vpn/default_rules.
 */
#include "nl/rule.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "nl/rtnl.h"

#define DUMP_TRIES 3

static uint8_t action_of(const struct rtnl_rule *r)
{
	if (r->unreachable)
		return FR_ACT_UNREACHABLE;
	if (r->go_to)
		return FR_ACT_GOTO;
	return r->nop ? FR_ACT_NOP : FR_ACT_TO_TBL;
}

static void put_rule(struct nl_msg *m, uint16_t type, uint16_t flags, const struct rtnl_rule *r)
{
	struct fib_rule_hdr hdr = {
		.family = (uint8_t)r->family,
		.src_len = r->src_len,
		.dst_len = r->dst_len,
		.action = action_of(r),
	};

	hdr.table = hdr.action == FR_ACT_TO_TBL ? r->table : RT_TABLE_UNSPEC;

	nl_msg_init(m);
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

int rtnl_rule_add(struct nl_sock *s, const struct rtnl_rule *r, struct err *e)
{
	struct nl_msg m;
	int rc;

	put_rule(&m, RTM_NEWRULE, NLM_F_CREATE, r);
	rc = nl_call(s, &m, e);
	if (rc < 0)
		return err_wrap(e, rc, "cannot add the routing rule %u", r->priority);
	return 0;
}

int rtnl_rule_delete(struct nl_sock *s, const struct rtnl_rule *r, struct err *e)
{
	struct nl_msg m;
	int rc;

	put_rule(&m, RTM_DELRULE, 0, r);
	rc = nl_call(s, &m, e);
	if (rc < 0 && rc != -ENOENT)
		return err_wrap(e, rc, "cannot delete the routing rule %u", r->priority);
	return 0;
}

struct rule_walk {
	int family;
	uint32_t priority;
	struct rtnl_rule *at;
	int n, max;
};

struct rule_attrs {
	struct rtnl_rule r;
	uint8_t protocol;
};

static int parse_rule_attr(const struct nlattr *a, void *arg)
{
	struct rule_attrs *at = arg;
	size_t len = mnl_attr_get_payload_len(a);
	uint16_t type = mnl_attr_get_type(a);

	if (type == FRA_SRC && len <= sizeof(at->r.src))
		memcpy(at->r.src, mnl_attr_get_payload(a), len);
	else if (type == FRA_DST && len <= sizeof(at->r.dst))
		memcpy(at->r.dst, mnl_attr_get_payload(a), len);
	else if (type == FRA_PRIORITY && len == sizeof(uint32_t))
		at->r.priority = mnl_attr_get_u32(a);
	else if (type == FRA_FWMARK && len == sizeof(uint32_t))
		at->r.mark = mnl_attr_get_u32(a);
	else if (type == FRA_FWMASK && len == sizeof(uint32_t))
		at->r.mask = mnl_attr_get_u32(a);
	else if (type == FRA_GOTO && len == sizeof(uint32_t))
		at->r.go_to = mnl_attr_get_u32(a);
	else if (type == FRA_SUPPRESS_PREFIXLEN && len == sizeof(uint32_t))
		at->r.no_default = mnl_attr_get_u32(a) == 0;
	else if (type == FRA_PROTOCOL && len == sizeof(uint8_t))
		at->protocol = mnl_attr_get_u8(a);
	return MNL_CB_OK;
}

static int got_rule(const struct nlmsghdr *nlh, void *arg)
{
	const struct fib_rule_hdr *hdr = mnl_nlmsg_get_payload(nlh);
	struct rule_walk *w = arg;
	struct rule_attrs at;

	if (nlh->nlmsg_type != RTM_NEWRULE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*hdr))
		return 0;
	memset(&at, 0, sizeof(at));
	at.r.family = hdr->family;
	at.r.src_len = hdr->src_len;
	at.r.dst_len = hdr->dst_len;
	at.r.unreachable = hdr->action == FR_ACT_UNREACHABLE;
	at.r.nop = hdr->action == FR_ACT_NOP;
	at.r.table = hdr->action == FR_ACT_TO_TBL ? hdr->table : 0;
	mnl_attr_parse(nlh, sizeof(*hdr), parse_rule_attr, &at);
	if (at.protocol != RTNL_RULE_PROTOCOL || at.r.priority != w->priority ||
	    at.r.family != w->family)
		return 0;
	if (w->n == w->max)
		return -E2BIG;
	w->at[w->n++] = at.r;
	return 0;
}

int rtnl_rule_list(struct nl_sock *s, int family, uint32_t priority, struct rtnl_rule *ret, int max,
		   struct err *e)
{
	struct fib_rule_hdr hdr = {.family = (uint8_t)family};
	struct rule_walk w = {.family = family, .priority = priority, .at = ret, .max = max};
	struct nl_msg m;
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < DUMP_TRIES; i++) {
		w.n = 0;
		nl_msg_init(&m);
		nl_msg_begin(&m, RTM_GETRULE, NLM_F_DUMP, &hdr, sizeof(hdr));
		r = nl_dump(s, &m, got_rule, &w, e);
	}
	return r < 0 ? err_wrap(e, r, "cannot list the routing rules") : w.n;
}
