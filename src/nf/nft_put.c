/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one nftables table that is made without libnftables: where it is needed a container waits,
 * and what is linked there starts without the dynamic linker. Called by plug/cable_alone.
 */
#include "nf/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#define CHAIN	      "out"
#define BEFORE_OTHERS -300

static void begin(struct nl_msg *m, uint16_t type, uint16_t flags)
{
	const struct nfgenmsg nfg = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};

	nl_msg_begin(m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &nfg, sizeof(nfg));
}

static void put_bound(struct nl_msg *m, uint16_t type)
{
	const struct nfgenmsg nfg = {.nfgen_family = NFPROTO_UNSPEC,
				     .version = NFNETLINK_V0,
				     .res_id = htons(NFNL_SUBSYS_NFTABLES)};

	nl_msg_begin(m, type, 0, &nfg, sizeof(nfg));
}

static void put_table(struct nl_msg *m, uint16_t type, uint16_t flags, const char *name)
{
	begin(m, type, flags);
	nl_put_str(m, NFTA_TABLE_NAME, name);
}

static void put_chain(struct nl_msg *m, const char *table)
{
	size_t hook;

	begin(m, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	nl_put_str(m, NFTA_CHAIN_TABLE, table);
	nl_put_str(m, NFTA_CHAIN_NAME, CHAIN);
	nl_put_str(m, NFTA_CHAIN_TYPE, "filter");
	hook = nl_nest(m, NFTA_CHAIN_HOOK);
	nl_put_u32(m, NFTA_HOOK_HOOKNUM, htonl(NF_INET_LOCAL_OUT));
	nl_put_u32(m, NFTA_HOOK_PRIORITY, htonl((uint32_t)BEFORE_OTHERS));
	nl_nest_end(m, hook);
	nl_put_u32(m, NFTA_CHAIN_POLICY, htonl(NF_DROP));
}

static size_t begin_expr(struct nl_msg *m, const char *name, size_t *ret_elem)
{
	*ret_elem = nl_nest(m, NFTA_LIST_ELEM);
	nl_put_str(m, NFTA_EXPR_NAME, name);
	return nl_nest(m, NFTA_EXPR_DATA);
}

static void end_expr(struct nl_msg *m, size_t data, size_t elem)
{
	nl_nest_end(m, data);
	nl_nest_end(m, elem);
}

/* oif IFINDEX accept */
static void put_rule(struct nl_msg *m, const char *table, int ifindex)
{
	size_t list, elem, data, value, verdict;

	begin(m, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nl_put_str(m, NFTA_RULE_TABLE, table);
	nl_put_str(m, NFTA_RULE_CHAIN, CHAIN);
	list = nl_nest(m, NFTA_RULE_EXPRESSIONS);
	data = begin_expr(m, "meta", &elem);
	nl_put_u32(m, NFTA_META_DREG, htonl(NFT_REG_1));
	nl_put_u32(m, NFTA_META_KEY, htonl(NFT_META_OIF));
	end_expr(m, data, elem);
	data = begin_expr(m, "cmp", &elem);
	nl_put_u32(m, NFTA_CMP_SREG, htonl(NFT_REG_1));
	nl_put_u32(m, NFTA_CMP_OP, htonl(NFT_CMP_EQ));
	value = nl_nest(m, NFTA_CMP_DATA);
	nl_put_u32(m, NFTA_DATA_VALUE, (uint32_t)ifindex);
	nl_nest_end(m, value);
	end_expr(m, data, elem);
	data = begin_expr(m, "immediate", &elem);
	nl_put_u32(m, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
	value = nl_nest(m, NFTA_IMMEDIATE_DATA);
	verdict = nl_nest(m, NFTA_DATA_VERDICT);
	nl_put_u32(m, NFTA_VERDICT_CODE, htonl(NF_ACCEPT));
	nl_nest_end(m, verdict);
	nl_nest_end(m, value);
	end_expr(m, data, elem);
	nl_nest_end(m, list);
}

/* again: the table is there, and made anew. */
static void put_all(struct nl_msg *m, const char *table, const int *ifindexes, size_t n, bool again)
{
	nl_msg_init(m);
	put_bound(m, NFNL_MSG_BATCH_BEGIN);
	if (again)
		put_table(m, NFT_MSG_DELTABLE, 0, table);
	put_table(m, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, table);
	put_chain(m, table);
	for (size_t i = 0; i < n; i++)
		put_rule(m, table, ifindexes[i]);
	put_bound(m, NFNL_MSG_BATCH_END);
}

/* What a transaction deletes the kernel frees when the socket is closed, and whoever closes it
 * waits for some 10 ms: only where there is one. */
int nft_out_only_by(struct nl_sock *s, const char *table, const int *ifindexes, size_t n,
		    struct err *e)
{
	struct nl_msg m;
	int r;

	put_all(&m, table, ifindexes, n, false);
	r = nl_call_batch(s, &m, e);
	if (r != -EEXIST)
		return r;
	put_all(&m, table, ifindexes, n, true);
	return nl_call_batch(s, &m, e);
}

int nft_table_delete(struct nl_sock *s, uint8_t family, const char *table, struct err *e)
{
	const struct nfgenmsg nfg = {.nfgen_family = family, .version = NFNETLINK_V0};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	put_bound(&m, NFNL_MSG_BATCH_BEGIN);
	nl_msg_begin(&m, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, 0, &nfg, sizeof(nfg));
	nl_put_str(&m, NFTA_TABLE_NAME, table);
	put_bound(&m, NFNL_MSG_BATCH_END);
	r = nl_call_batch(s, &m, e);
	return r == -ENOENT ? 0 : r;
}

int nft_table_exists(struct nl_sock *s, const char *table, struct err *e)
{
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	begin(&m, NFT_MSG_GETTABLE, 0);
	nl_put_str(&m, NFTA_TABLE_NAME, table);
	r = nl_query(s, &m, NULL, NULL, e);
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}
