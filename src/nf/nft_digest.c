/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adds up what the kernel lists of a table: its flags, its chains with their rules in order, its
 * sets and named objects, and the elements of sets that are constant. The elements of other sets
 * change by design, and so do handles, counters and the number of users: they are left out. Nothing
 * here interprets a rule. Called by ensure/ensure.
 */
#include "nf/nft_digest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "base/util.h"
#include "nl/attr.h"

#define DUMP_TRIES  8
#define SETS_MAX    128
#define COUNTED_MAX 8

/* The chains that come and go with the ports whose names they have (see plug/guard_port.h). */
#define PORT_CHAIN "vr"

/* One kind of object in a table: how it is asked for, and which of its attributes count. */
struct part {
	uint16_t msg;
	uint16_t table;		     /* the attribute that names the table */
	uint16_t name, chain, flags; /* 0: it has none */
	uint16_t counted[COUNTED_MAX];
};

static const struct part chains = {
	.msg = NFT_MSG_GETCHAIN,
	.table = NFTA_CHAIN_TABLE,
	.chain = NFTA_CHAIN_NAME,
	.counted = {NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY, NFTA_CHAIN_TYPE,
		    NFTA_CHAIN_FLAGS},
};
static const struct part rules = {
	.msg = NFT_MSG_GETRULE,
	.table = NFTA_RULE_TABLE,
	.chain = NFTA_RULE_CHAIN,
	.counted = {NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS},
};
static const struct part sets = {
	.msg = NFT_MSG_GETSET,
	.table = NFTA_SET_TABLE,
	.name = NFTA_SET_NAME,
	.flags = NFTA_SET_FLAGS,
	.counted = {NFTA_SET_NAME, NFTA_SET_FLAGS, NFTA_SET_KEY_TYPE, NFTA_SET_KEY_LEN,
		    NFTA_SET_DATA_TYPE, NFTA_SET_DATA_LEN, NFTA_SET_TIMEOUT, NFTA_SET_DESC},
};
static const struct part objects = {
	.msg = NFT_MSG_GETOBJ,
	.table = NFTA_OBJ_TABLE,
	.counted = {NFTA_OBJ_NAME, NFTA_OBJ_TYPE},
};

struct set {
	char name[64];
	bool is_constant;
};

struct digest {
	uint8_t family;
	const char *table;
	uint64_t sum;
	struct set sets[SETS_MAX];
	size_t n_sets;
};

/* One message. */
struct nft_entry {
	const struct part *part;
	const struct digest *d;
	uint64_t h;
	bool is_ours, is_counter;
	struct set set;
};

static bool is_text(const struct nlattr *a, const char *text)
{
	return nl_attr_len(a) == strlen(text) + 1 && !memcmp(nl_attr_data(a), text, nl_attr_len(a));
}

static uint64_t mix(uint64_t h, const struct nlattr *a)
{
	uint16_t type = nl_attr_type(a);

	h = digest_bytes(h, &type, sizeof(type));
	return digest_bytes(h, nl_attr_data(a), nl_attr_len(a));
}

static void look_for_counter(const struct nlattr *a, void *arg)
{
	struct nft_entry *x = arg;

	if (nl_attr_type(a) == NFTA_EXPR_NAME)
		x->is_counter = is_text(a, "counter");
}

/* What an expression has counted is no part of the rule. */
static void mix_expression(const struct nlattr *a, void *arg)
{
	struct nft_entry *x = arg;

	x->is_counter = false;
	nl_attr_each_in(a, look_for_counter, x);
	if (!x->is_counter)
		x->h = mix(x->h, a);
}

static bool is_counted(const struct part *p, uint16_t type)
{
	for (size_t i = 0; i < COUNTED_MAX && p->counted[i]; i++)
		if (p->counted[i] == type)
			return true;
	return false;
}

static void mix_entry(const struct nlattr *a, void *arg)
{
	uint16_t type = nl_attr_type(a);
	struct nft_entry *x = arg;
	const struct part *p = x->part;

	if (type == p->table)
		x->is_ours = is_text(a, x->d->table);
	if (p->name && type == p->name && nl_attr_len(a) <= sizeof(x->set.name))
		memcpy(x->set.name, nl_attr_data(a), nl_attr_len(a));
	if (p->flags && type == p->flags && nl_attr_len(a) == sizeof(uint32_t))
		x->set.is_constant = ntohl(nl_attr_u32(a)) & NFT_SET_CONSTANT;
	if (p == &rules && type == NFTA_RULE_EXPRESSIONS)
		nl_attr_each_in(a, mix_expression, x);
	else if (is_counted(p, type))
		x->h = mix(x->h, a);
	if (p->chain && type == p->chain && nl_attr_len(a) > sizeof(PORT_CHAIN) &&
	    !memcmp(nl_attr_data(a), PORT_CHAIN, sizeof(PORT_CHAIN) - 1))
		x->is_ours = false;
}

/* Of all but rules, the order says nothing. */
static struct nft_entry read_entry(const struct nlmsghdr *nlh, const struct digest *d,
				   const struct part *p, uint64_t h)
{
	struct nft_entry x = {.part = p, .d = d, .h = h};

	nl_attr_each(nlh, sizeof(struct nfgenmsg), mix_entry, &x);
	return x;
}

static int add(const struct nlmsghdr *nlh, struct digest *d, const struct part *p)
{
	struct nft_entry x = read_entry(nlh, d, p, DIGEST_INIT);

	if (x.is_ours)
		d->sum += x.h;
	return 0;
}

static int got_chain(const struct nlmsghdr *nlh, void *arg)
{
	return add(nlh, arg, &chains);
}

static int got_object(const struct nlmsghdr *nlh, void *arg)
{
	return add(nlh, arg, &objects);
}

static int got_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct digest *d = arg;
	struct nft_entry x = read_entry(nlh, d, &rules, d->sum);

	if (x.is_ours)
		d->sum = x.h;
	return 0;
}

static int got_set(const struct nlmsghdr *nlh, void *arg)
{
	struct digest *d = arg;
	struct nft_entry x = read_entry(nlh, d, &sets, DIGEST_INIT);

	if (!x.is_ours)
		return 0;
	if (d->n_sets == SETS_MAX)
		return -E2BIG;
	d->sum += x.h;
	d->sets[d->n_sets++] = x.set;
	return 0;
}

/* --- elements, and the table itself ---------------------------------------------------------- */

static void mix_element_attr(const struct nlattr *a, void *arg)
{
	uint64_t *h = arg;
	uint16_t type = nl_attr_type(a);

	if (type == NFTA_SET_ELEM_KEY || type == NFTA_SET_ELEM_DATA ||
	    type == NFTA_SET_ELEM_FLAGS || type == NFTA_SET_ELEM_KEY_END)
		*h = mix(*h, a);
}

static void add_element(const struct nlattr *a, void *arg)
{
	uint64_t h = DIGEST_INIT, *sum = arg;

	nl_attr_each_in(a, mix_element_attr, &h);
	*sum += h;
}

static void find_elements(const struct nlattr *a, void *arg)
{
	if (nl_attr_type(a) == NFTA_SET_ELEM_LIST_ELEMENTS)
		nl_attr_each_in(a, add_element, arg);
}

static int got_elements(const struct nlmsghdr *nlh, void *arg)
{
	struct digest *d = arg;

	nl_attr_each(nlh, sizeof(struct nfgenmsg), find_elements, &d->sum);
	return 0;
}

static void add_table_flags(const struct nlattr *a, void *arg)
{
	uint64_t *sum = arg;

	if (nl_attr_type(a) == NFTA_TABLE_FLAGS)
		*sum += mix(DIGEST_INIT, a);
}

static int got_table(const struct nlmsghdr *nlh, void *arg)
{
	struct digest *d = arg;

	nl_attr_each(nlh, sizeof(struct nfgenmsg), add_table_flags, &d->sum);
	return 0;
}

static void ask(struct nl_msg *m, const struct digest *d, uint16_t msg, uint16_t flags,
		uint16_t attr)
{
	const struct nfgenmsg nfg = {.nfgen_family = d->family, .version = NFNETLINK_V0};

	nl_msg_init(m);
	nl_msg_begin(m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | msg), flags, &nfg, sizeof(nfg));
	nl_put_str(m, attr, d->table);
}

static int dump(struct nl_sock *s, struct digest *d, const struct part *p, nl_fn fn, struct err *e)
{
	struct nl_msg m;

	ask(&m, d, p->msg, NLM_F_DUMP, p->table);
	return nl_dump(s, &m, fn, d, e);
}

static int dump_elements(struct nl_sock *s, struct digest *d, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->n_sets; i++) {
		struct nl_msg m;

		if (!d->sets[i].is_constant)
			continue;
		ask(&m, d, NFT_MSG_GETSETELEM, NLM_F_DUMP, NFTA_SET_ELEM_LIST_TABLE);
		nl_put_str(&m, NFTA_SET_ELEM_LIST_SET, d->sets[i].name);
		r = nl_dump(s, &m, got_elements, d, e);
	}
	return r;
}

static int add_up(struct nl_sock *s, struct digest *d, struct err *e)
{
	struct nl_msg m;
	int r;

	d->sum = 0;
	d->n_sets = 0;
	ask(&m, d, NFT_MSG_GETTABLE, 0, NFTA_TABLE_NAME);
	r = nl_query(s, &m, got_table, d, e);
	r = r ?: dump(s, d, &chains, got_chain, e);
	r = r ?: dump(s, d, &sets, got_set, e);
	r = r ?: dump(s, d, &objects, got_object, e);
	r = r ?: dump_elements(s, d, e);
	return r < 0 ? r : dump(s, d, &rules, got_rule, e);
}

int nft_table_digest(struct nl_sock *s, uint8_t family, const char *table, uint64_t *ret,
		     struct err *e)
{
	struct digest d = {.family = family, .table = table};
	int r = -EINTR;

	for (int tries = 0; r == -EINTR && tries < DUMP_TRIES; tries++)
		r = add_up(s, &d, e);
	if (r == 0)
		*ret = d.sum;
	return r;
}
