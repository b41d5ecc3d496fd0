/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists, then deletes: each entry by its tuple and its number, so that one which took its place
 * meanwhile stays. Judges nothing itself. Called by wall/flows.
 */
#include "nf/ct.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "nl/attr.h"

#define TUPLE_MAX 160	/* addresses, protocol, ports, zone */
#define FOUND_MAX 16384 /* at a time: a hostile table must not become as much memory here */
#define CT_MSG(x) ((NFNL_SUBSYS_CTNETLINK << 8) | (x))

struct entry {
	struct ct_flow flow;
	uint32_t id;
	uint16_t zone;
	bool has_zone;
	size_t len; /* of the tuple, as the kernel gave it */
	uint8_t tuple[TUPLE_MAX];
};

struct ct_found {
	const struct ct_judge *judge;
	struct entry *at;
	size_t n, room;
	bool more;
};

struct tuple_ends {
	uint8_t *src, *dst;
	uint16_t *zone;
};

static void copy_address(uint8_t *to, const struct nlattr *a, size_t len)
{
	if (to)
		nl_attr_get(a, to, len);
}

static void parse_ip(const struct nlattr *a, void *arg)
{
	struct tuple_ends *t = arg;

	switch (nl_attr_type(a)) {
	case CTA_IP_V4_SRC:
		copy_address(t->src, a, 4);
		break;
	case CTA_IP_V4_DST:
		copy_address(t->dst, a, 4);
		break;
	case CTA_IP_V6_SRC:
		copy_address(t->src, a, 16);
		break;
	case CTA_IP_V6_DST:
		copy_address(t->dst, a, 16);
		break;
	}
}

static void parse_tuple(const struct nlattr *a, void *arg)
{
	struct tuple_ends *t = arg;
	uint16_t zone;

	switch (nl_attr_type(a)) {
	case CTA_TUPLE_IP:
		nl_attr_each_in(a, parse_ip, arg);
		break;
	case CTA_TUPLE_ZONE:
		if (t->zone && nl_attr_get(a, &zone, sizeof(zone)))
			*t->zone = ntohs(zone);
		break;
	}
}

static void parse_entry(const struct nlattr *a, void *arg)
{
	struct entry *x = arg;
	size_t len = nl_attr_len(a);
	struct tuple_ends first = {x->flow.src, x->flow.dst, &x->flow.zone};
	struct tuple_ends reply = {x->flow.answers_from, x->flow.answers_to, NULL};

	switch (nl_attr_type(a)) {
	case CTA_TUPLE_ORIG:
		if (len <= sizeof(x->tuple)) {
			memcpy(x->tuple, nl_attr_data(a), len);
			x->len = len;
		}
		nl_attr_each_in(a, parse_tuple, &first);
		break;
	case CTA_TUPLE_REPLY:
		nl_attr_each_in(a, parse_tuple, &reply);
		break;
	case CTA_ID:
		nl_attr_get(a, &x->id, sizeof(x->id));
		break;
	case CTA_ZONE:
		x->has_zone = nl_attr_get(a, &x->zone, sizeof(x->zone));
		if (x->has_zone)
			x->flow.zone = ntohs(x->zone);
		break;
	}
}

static int got_entry(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *nfg = nl_payload(nlh);
	struct ct_found *f = arg;
	struct entry x;

	if (nl_payload_len(nlh) < sizeof(*nfg))
		return -EPROTO;
	memset(&x, 0, sizeof(x));
	x.flow.family = nfg->nfgen_family;
	nl_attr_each(nlh, sizeof(*nfg), parse_entry, &x);
	if (!x.len || !f->judge->is_over(&x.flow, f->judge->arg))
		return 0;
	f->more = f->n == FOUND_MAX;
	if (f->more)
		return 0;
	if (f->n == f->room) {
		size_t room = f->room ? f->room * 2 : 64;
		struct entry *more = reallocarray(f->at, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		f->at = more;
		f->room = room;
	}
	f->at[f->n++] = x;
	return 0;
}

static int delete_entry(struct nl_sock *s, const struct entry *x, struct err *e)
{
	const struct nfgenmsg nfg = {
		.nfgen_family = (uint8_t)x->flow.family,
		.version = NFNETLINK_V0,
	};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, CT_MSG(IPCTNL_MSG_CT_DELETE), 0, &nfg, sizeof(nfg));
	nl_put(&m, CTA_TUPLE_ORIG | NLA_F_NESTED, x->tuple, x->len);
	nl_put(&m, CTA_ID, &x->id, sizeof(x->id));
	if (x->has_zone)
		nl_put(&m, CTA_ZONE, &x->zone, sizeof(x->zone));
	r = nl_call(s, &m, e);
	return r == -ENOENT ? 0 : r < 0 ? err_wrap(e, r, "cannot forget a connection") : 0;
}

static void begin_entries(void *arg)
{
	struct ct_found *f = arg;

	f->n = 0;
	f->more = false;
}

static int list(struct nl_sock *s, struct ct_found *f, struct err *e)
{
	const struct nfgenmsg nfg = {.version = NFNETLINK_V0};
	const struct nl_table table = {begin_entries, got_entry, f};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, CT_MSG(IPCTNL_MSG_CT_GET), NLM_F_DUMP, &nfg, sizeof(nfg));
	r = nl_read_table(s, &m, &table, e);
	if (r == -EINVAL || r == -EOPNOTSUPP)
		return 0;
	return r < 0 ? err_wrap(e, r, "cannot list the connections") : 0;
}

static int delete_found(struct nl_sock *s, const struct ct_found *f, size_t *ret_deleted,
			struct err *e)
{
	const struct ct_judge *j = f->judge;
	int r = j->look_again && f->n ? j->look_again(j->arg, e) : 0;

	*ret_deleted = 0;
	for (size_t i = 0; r >= 0 && i < f->n; i++) {
		if (j->look_again && !j->is_over(&f->at[i].flow, j->arg))
			continue;
		r = delete_entry(s, &f->at[i], e);
		++*ret_deleted;
	}
	return r < 0 ? r : 0;
}

int ct_delete_if(struct nl_sock *s, const struct ct_judge *judge, struct err *e)
{
	struct ct_found f = {.judge = judge};
	size_t deleted;
	int r;

	do {
		r = list(s, &f, e);
		if (r == 0)
			r = delete_found(s, &f, &deleted, e);
	} while (r == 0 && f.more && deleted);
	free(f.at);
	return r;
}
