/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wire format of <linux/netfilter/nf_tables.h>, written. Judges nothing. Called by
 * nf/nft_put and nf/nft_beside.
 */
#include "nf/nft_expr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>

void nft_put_begin(struct nl_msg *m, uint16_t type, uint16_t flags)
{
	const struct nfgenmsg nfg = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};

	nl_msg_begin(m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &nfg, sizeof(nfg));
}

void nft_put_bound(struct nl_msg *m, uint16_t type)
{
	const struct nfgenmsg nfg = {.nfgen_family = NFPROTO_UNSPEC,
				     .version = NFNETLINK_V0,
				     .res_id = htons(NFNL_SUBSYS_NFTABLES)};

	nl_msg_begin(m, type, 0, &nfg, sizeof(nfg));
}

static void put_table(struct nl_msg *m, uint16_t type, uint16_t flags, const char *name)
{
	nft_put_begin(m, type, flags);
	nl_put_str(m, NFTA_TABLE_NAME, name);
}

/* again: the table is there, and made anew. */
static void put_all(struct nl_msg *m, const struct nft_maker *maker, bool again)
{
	nl_msg_init(m);
	nft_put_bound(m, NFNL_MSG_BATCH_BEGIN);
	if (again)
		put_table(m, NFT_MSG_DELTABLE, 0, maker->table);
	put_table(m, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, maker->table);
	maker->put(m, maker->table, maker->arg);
	nft_put_bound(m, NFNL_MSG_BATCH_END);
}

/* What a transaction deletes the kernel frees when the socket is closed, and whoever closes it
 * waits for some 10 ms: only where there is one. */
int nft_table_replace(struct nl_sock *s, const struct nft_maker *maker, struct err *e)
{
	struct nl_msg m;
	int r;

	put_all(&m, maker, false);
	r = nl_call_batch(s, &m, e);
	if (r != -EEXIST)
		return r;
	put_all(&m, maker, true);
	return nl_call_batch(s, &m, e);
}

void nft_put_chain(struct nl_msg *m, const char *table, const char *chain,
		   const struct nft_hook *hook)
{
	size_t nest;

	nft_put_begin(m, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	nl_put_str(m, NFTA_CHAIN_TABLE, table);
	nl_put_str(m, NFTA_CHAIN_NAME, chain);
	if (!hook)
		return;
	nl_put_str(m, NFTA_CHAIN_TYPE, "filter");
	nest = nl_nest(m, NFTA_CHAIN_HOOK);
	nl_put_u32(m, NFTA_HOOK_HOOKNUM, htonl(hook->num));
	nl_put_u32(m, NFTA_HOOK_PRIORITY, htonl((uint32_t)hook->priority));
	nl_nest_end(m, nest);
	nl_put_u32(m, NFTA_CHAIN_POLICY, htonl(NF_DROP));
}

size_t nft_put_rule(struct nl_msg *m, const char *table, const char *chain)
{
	nft_put_begin(m, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nl_put_str(m, NFTA_RULE_TABLE, table);
	nl_put_str(m, NFTA_RULE_CHAIN, chain);
	return nl_nest(m, NFTA_RULE_EXPRESSIONS);
}

void nft_put_rule_end(struct nl_msg *m, size_t rule)
{
	nl_nest_end(m, rule);
}

struct expr_nests {
	size_t elem, data;
};

static struct expr_nests begin_expr(struct nl_msg *m, const char *name)
{
	struct expr_nests x = {.elem = nl_nest(m, NFTA_LIST_ELEM)};

	nl_put_str(m, NFTA_EXPR_NAME, name);
	x.data = nl_nest(m, NFTA_EXPR_DATA);
	return x;
}

static void end_expr(struct nl_msg *m, struct expr_nests x)
{
	nl_nest_end(m, x.data);
	nl_nest_end(m, x.elem);
}

static void put_value(struct nl_msg *m, uint16_t type, const void *data, size_t len)
{
	size_t nest = nl_nest(m, type);

	nl_put(m, NFTA_DATA_VALUE, data, len);
	nl_nest_end(m, nest);
}

void nft_put_meta(struct nl_msg *m, enum nft_meta_keys key)
{
	struct expr_nests x = begin_expr(m, "meta");

	nl_put_u32(m, NFTA_META_DREG, htonl(NFT_REG_1));
	nl_put_u32(m, NFTA_META_KEY, htonl(key));
	end_expr(m, x);
}

void nft_put_ct(struct nl_msg *m, enum nft_ct_keys key)
{
	struct expr_nests x = begin_expr(m, "ct");

	nl_put_u32(m, NFTA_CT_DREG, htonl(NFT_REG_1));
	nl_put_u32(m, NFTA_CT_KEY, htonl(key));
	end_expr(m, x);
}

void nft_put_payload(struct nl_msg *m, const struct nft_field *field)
{
	struct expr_nests x = begin_expr(m, "payload");

	nl_put_u32(m, NFTA_PAYLOAD_DREG, htonl(NFT_REG_1));
	nl_put_u32(m, NFTA_PAYLOAD_BASE, htonl(field->base));
	nl_put_u32(m, NFTA_PAYLOAD_OFFSET, htonl(field->offset));
	nl_put_u32(m, NFTA_PAYLOAD_LEN, htonl(field->len));
	end_expr(m, x);
}

void nft_put_mask(struct nl_msg *m, const void *mask, size_t len)
{
	static const uint8_t nothing[16];
	struct expr_nests x = begin_expr(m, "bitwise");

	nl_put_u32(m, NFTA_BITWISE_SREG, htonl(NFT_REG_1));
	nl_put_u32(m, NFTA_BITWISE_DREG, htonl(NFT_REG_1));
	nl_put_u32(m, NFTA_BITWISE_LEN, htonl((uint32_t)len));
	put_value(m, NFTA_BITWISE_MASK, mask, len);
	put_value(m, NFTA_BITWISE_XOR, nothing, len);
	end_expr(m, x);
}

void nft_put_cmp(struct nl_msg *m, enum nft_cmp_ops op, const void *data, size_t len)
{
	struct expr_nests x = begin_expr(m, "cmp");

	nl_put_u32(m, NFTA_CMP_SREG, htonl(NFT_REG_1));
	nl_put_u32(m, NFTA_CMP_OP, htonl(op));
	put_value(m, NFTA_CMP_DATA, data, len);
	end_expr(m, x);
}

void nft_put_verdict(struct nl_msg *m, int verdict, const char *chain)
{
	struct expr_nests x = begin_expr(m, "immediate");
	size_t value, code;

	nl_put_u32(m, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
	value = nl_nest(m, NFTA_IMMEDIATE_DATA);
	code = nl_nest(m, NFTA_DATA_VERDICT);
	nl_put_u32(m, NFTA_VERDICT_CODE, htonl((uint32_t)verdict));
	if (chain)
		nl_put_str(m, NFTA_VERDICT_CHAIN, chain);
	nl_nest_end(m, code);
	nl_nest_end(m, value);
	end_expr(m, x);
}

void nft_put_reject(struct nl_msg *m, enum nft_reject_types type, uint8_t icmpx_code)
{
	struct expr_nests x = begin_expr(m, "reject");

	nl_put_u32(m, NFTA_REJECT_TYPE, htonl(type));
	nl_put_u8(m, NFTA_REJECT_ICMP_CODE, icmpx_code);
	end_expr(m, x);
}
