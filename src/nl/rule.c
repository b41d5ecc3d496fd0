/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FIB rules of <linux/fib_rules.h>. Must never report, change or delete a rule that does not carry
 * the protocol number of ours. Called by up/bridge_table, ensure/rules and, in containers,
 * plug/cable_alone.
 */
#include "nl/rule.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "nl/addr.h"
#include "nl/attr.h"

bool rtnl_rule_equal(const struct rtnl_rule *a, const struct rtnl_rule *b)
{
	return memcmp(a->src, b->src, sizeof(a->src)) == 0 &&
	       memcmp(a->dst, b->dst, sizeof(a->dst)) == 0 && a->src_len == b->src_len &&
	       a->dst_len == b->dst_len && a->table == b->table &&
	       a->unreachable == b->unreachable && a->no_default == b->no_default &&
	       a->nop == b->nop && a->go_to == b->go_to && a->mark == b->mark &&
	       a->mask == b->mask && a->family == b->family && a->priority == b->priority &&
	       a->own == b->own && a->has_uid == b->has_uid && a->uid == b->uid &&
	       a->proto == b->proto && a->sport == b->sport;
}

static uint8_t action_of(const struct rtnl_rule *r)
{
	if (r->unreachable)
		return FR_ACT_UNREACHABLE;
	if (r->go_to)
		return FR_ACT_GOTO;
	return r->nop ? FR_ACT_NOP : FR_ACT_TO_TBL;
}

/* The kernel says "lo" for what comes from nowhere but this machine. */
static void put_sender(struct nl_msg *m, const struct rtnl_rule *r)
{
	const struct fib_rule_uid_range uids = {r->uid, r->uid};
	const struct fib_rule_port_range ports = {r->sport, r->sport};

	if (r->own)
		nl_put_str(m, FRA_IIFNAME, "lo");
	if (r->has_uid)
		nl_put(m, FRA_UID_RANGE, &uids, sizeof(uids));
	if (r->proto)
		nl_put_u8(m, FRA_IP_PROTO, r->proto);
	if (r->sport)
		nl_put(m, FRA_SPORT_RANGE, &ports, sizeof(ports));
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
	put_sender(m, r);
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

	nl_msg_init(&m);
	rtnl_put_rule(&m, RTM_NEWRULE, NLM_F_CREATE, r);
	rc = nl_call(s, &m, e);
	if (rc < 0)
		return err_wrap(e, rc, "cannot add the routing rule %u", r->priority);
	return 0;
}

int rtnl_rule_delete(struct nl_sock *s, const struct rtnl_rule *r, struct err *e)
{
	struct nl_msg m;
	int rc;

	nl_msg_init(&m);
	rtnl_put_rule(&m, RTM_DELRULE, 0, r);
	rc = nl_call(s, &m, e);
	if (rc < 0 && rc != -ENOENT)
		return err_wrap(e, rc, "cannot delete the routing rule %u", r->priority);
	return 0;
}

struct rule_walk {
	int family;
	uint32_t priority;
	struct rtnl_rules *ret;
};

struct rule_attrs {
	struct rtnl_rule r;
	uint32_t table; /* as wide as it may be; r's is not */
	uint8_t protocol;
};

/* A range that none of ours has is one number that none of ours has. */
static void parse_sender_attr(const struct nlattr *a, struct rtnl_rule *r)
{
	const struct fib_rule_uid_range *uids = nl_attr_data(a);
	const struct fib_rule_port_range *ports = nl_attr_data(a);
	size_t len = nl_attr_len(a);
	uint16_t type = nl_attr_type(a);

	if (type == FRA_IIFNAME && len == sizeof("lo"))
		r->own = memcmp(nl_attr_data(a), "lo", sizeof("lo")) == 0;
	else if (type == FRA_UID_RANGE && len == sizeof(*uids)) {
		r->uid = uids->start == uids->end ? uids->start : UINT32_MAX;
		/* Every rule has one to the kernel, most of them everybody's. */
		r->has_uid = uids->start != 0 || uids->end != UINT32_MAX;
		r->uid = r->has_uid ? r->uid : 0;
	} else if (type == FRA_IP_PROTO && len == sizeof(uint8_t))
		r->proto = *(const uint8_t *)nl_attr_data(a);
	else if (type == FRA_SPORT_RANGE && len == sizeof(*ports))
		r->sport = ports->start == ports->end ? ports->start : UINT16_MAX;
}

static void parse_rule_attr(const struct nlattr *a, void *arg)
{
	struct rule_attrs *at = arg;
	size_t len = nl_attr_len(a);
	uint16_t type = nl_attr_type(a);

	if (type == FRA_SRC && len <= sizeof(at->r.src))
		memcpy(at->r.src, nl_attr_data(a), len);
	else if (type == FRA_DST && len <= sizeof(at->r.dst))
		memcpy(at->r.dst, nl_attr_data(a), len);
	else if (type == FRA_PRIORITY && len == sizeof(uint32_t))
		at->r.priority = nl_attr_u32(a);
	else if (type == FRA_FWMARK && len == sizeof(uint32_t))
		at->r.mark = nl_attr_u32(a);
	else if (type == FRA_FWMASK && len == sizeof(uint32_t))
		at->r.mask = nl_attr_u32(a);
	else if (type == FRA_GOTO && len == sizeof(uint32_t))
		at->r.go_to = nl_attr_u32(a);
	else if (type == FRA_SUPPRESS_PREFIXLEN && len == sizeof(uint32_t))
		at->r.no_default = nl_attr_u32(a) == 0;
	else if (type == FRA_TABLE && len == sizeof(uint32_t))
		at->table = nl_attr_u32(a);
	else if (type == FRA_PROTOCOL && len == sizeof(uint8_t))
		at->protocol = *(const uint8_t *)nl_attr_data(a);
	else
		parse_sender_attr(a, &at->r);
}

static int got_rule(const struct nlmsghdr *nlh, void *arg)
{
	const struct fib_rule_hdr *hdr = nl_payload(nlh);
	struct rule_walk *w = arg;
	struct rule_attrs at;

	if (nlh->nlmsg_type != RTM_NEWRULE || nl_payload_len(nlh) < sizeof(*hdr))
		return 0;
	memset(&at, 0, sizeof(at));
	at.r.family = hdr->family;
	at.r.src_len = hdr->src_len;
	at.r.dst_len = hdr->dst_len;
	at.r.unreachable = hdr->action == FR_ACT_UNREACHABLE;
	at.r.nop = hdr->action == FR_ACT_NOP;
	at.r.table = hdr->action == FR_ACT_TO_TBL ? hdr->table : 0;
	nl_attr_each(nlh, sizeof(*hdr), parse_rule_attr, &at);
	if (at.protocol != RTNL_RULE_PROTOCOL || at.r.priority != w->priority ||
	    at.r.family != w->family)
		return 0;
	if (w->ret->n == w->ret->max)
		return -E2BIG;
	w->ret->at[w->ret->n++] = at.r;
	return 0;
}

static void begin_rules(void *arg)
{
	((struct rule_walk *)arg)->ret->n = 0;
}

int rtnl_rule_list(struct nl_sock *s, int family, uint32_t priority, struct rtnl_rules *ret,
		   struct err *e)
{
	struct fib_rule_hdr hdr = {.family = (uint8_t)family};
	struct rule_walk w = {.family = family, .priority = priority, .ret = ret};
	const struct nl_table table = {begin_rules, got_rule, &w};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETRULE, NLM_F_DUMP, &hdr, sizeof(hdr));
	r = nl_read_table(s, &m, &table, e);
	return r < 0 ? err_wrap(e, r, "cannot list the routing rules") : 0;
}

struct other_walk {
	int family;
	uint8_t table;
	uint32_t priority;
};

static int look_for_other(const struct nlmsghdr *nlh, void *arg)
{
	const struct fib_rule_hdr *hdr = nl_payload(nlh);
	struct other_walk *w = arg;
	struct rule_attrs at;

	if (nlh->nlmsg_type != RTM_NEWRULE || nl_payload_len(nlh) < sizeof(*hdr) ||
	    hdr->family != w->family)
		return 0;
	memset(&at, 0, sizeof(at));
	at.table = hdr->table;
	nl_attr_each(nlh, sizeof(*hdr), parse_rule_attr, &at);
	if (at.protocol == RTNL_RULE_PROTOCOL || hdr->action != FR_ACT_TO_TBL ||
	    at.table != w->table)
		return 0;
	w->priority = at.r.priority;
	return -EEXIST;
}

int rtnl_rule_find_other(struct nl_sock *s, int family, uint8_t table, uint32_t *ret_priority,
			 struct err *e)
{
	struct fib_rule_hdr hdr = {.family = (uint8_t)family};
	struct other_walk w = {.family = family, .table = table};
	const struct nl_table rules = {NULL, look_for_other, &w};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETRULE, NLM_F_DUMP, &hdr, sizeof(hdr));
	r = nl_read_table(s, &m, &rules, e);
	if (r < 0 && r != -EEXIST)
		return err_wrap(e, r, "cannot list the routing rules");
	*ret_priority = w.priority;
	return r == -EEXIST;
}
