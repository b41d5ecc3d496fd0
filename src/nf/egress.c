/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transaction of <linux/netfilter/nf_tables.h>: all of a batch is done or nothing. Called by
 * plug/guard_port.
 */
#include "nf/egress.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stddef.h>

#define HOOK_EGRESS 1 /* NF_NETDEV_EGRESS, which headers have since 5.16 */

static void begin(struct nl_msg *m, uint16_t msg, uint16_t flags)
{
	const struct nfgenmsg nfg = {.nfgen_family = NFPROTO_NETDEV, .version = NFNETLINK_V0};

	nl_msg_begin(m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | msg), flags, &nfg, sizeof(nfg));
}

/* Drops by policy: what the one rule does not know is not sent. */
static void put_chain(struct nl_msg *m, const char *table, const char *dev)
{
	size_t hook, devs;

	begin(m, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	nl_put_str(m, NFTA_CHAIN_TABLE, table);
	nl_put_str(m, NFTA_CHAIN_NAME, dev);
	hook = nl_nest(m, NFTA_CHAIN_HOOK);
	nl_put_u32(m, NFTA_HOOK_HOOKNUM, htonl(HOOK_EGRESS));
	nl_put_u32(m, NFTA_HOOK_PRIORITY, htonl(0));
	devs = nl_nest(m, NFTA_HOOK_DEVS);
	nl_put_str(m, NFTA_DEVICE_NAME, dev);
	nl_nest_end(m, devs);
	nl_nest_end(m, hook);
	nl_put_u32(m, NFTA_CHAIN_POLICY, htonl(NF_DROP));
	nl_put_str(m, NFTA_CHAIN_TYPE, "filter");
}

struct expr {
	size_t elem, data;
};

static struct expr begin_expr(struct nl_msg *m, const char *name)
{
	struct expr x = {.elem = nl_nest(m, NFTA_LIST_ELEM)};

	nl_put_str(m, NFTA_EXPR_NAME, name);
	x.data = nl_nest(m, NFTA_EXPR_DATA);
	return x;
}

static void end_expr(struct nl_msg *m, struct expr x)
{
	nl_nest_end(m, x.data);
	nl_nest_end(m, x.elem);
}

/* They are compared as raw bytes: before "ether saddr", nft(8) tests what no packet on its way out
 * passes. */
static void put_rule(struct nl_msg *m, const char *table, const char *chain, const uint8_t mac[6])
{
	size_t list, data, verdict;
	struct expr x;

	begin(m, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nl_put_str(m, NFTA_RULE_TABLE, table);
	nl_put_str(m, NFTA_RULE_CHAIN, chain);
	list = nl_nest(m, NFTA_RULE_EXPRESSIONS);
	x = begin_expr(m, "payload");
	nl_put_u32(m, NFTA_PAYLOAD_DREG, htonl(NFT_REG_1));
	nl_put_u32(m, NFTA_PAYLOAD_BASE, htonl(NFT_PAYLOAD_LL_HEADER));
	nl_put_u32(m, NFTA_PAYLOAD_OFFSET, htonl(offsetof(struct ethhdr, h_source)));
	nl_put_u32(m, NFTA_PAYLOAD_LEN, htonl(ETH_ALEN));
	end_expr(m, x);
	x = begin_expr(m, "cmp");
	nl_put_u32(m, NFTA_CMP_SREG, htonl(NFT_REG_1));
	nl_put_u32(m, NFTA_CMP_OP, htonl(NFT_CMP_EQ));
	data = nl_nest(m, NFTA_CMP_DATA);
	nl_put(m, NFTA_DATA_VALUE, mac, ETH_ALEN);
	nl_nest_end(m, data);
	end_expr(m, x);
	x = begin_expr(m, "immediate");
	nl_put_u32(m, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
	data = nl_nest(m, NFTA_IMMEDIATE_DATA);
	verdict = nl_nest(m, NFTA_DATA_VERDICT);
	nl_put_u32(m, NFTA_VERDICT_CODE, htonl(NF_ACCEPT));
	nl_nest_end(m, verdict);
	nl_nest_end(m, data);
	end_expr(m, x);
	nl_nest_end(m, list);
}

/* --- transactions ---------------------------------------------------------------------------- */

static void begin_batch(struct nl_msg *m, uint16_t type)
{
	const struct nfgenmsg nfg = {
		.nfgen_family = AF_UNSPEC,
		.version = NFNETLINK_V0,
		.res_id = htons(NFNL_SUBSYS_NFTABLES),
	};

	nl_msg_begin(m, type, 0, &nfg, sizeof(nfg));
}

int egress_guard_device(struct nl_sock *s, const char *table, const char *dev, const uint8_t mac[6],
			struct err *e)
{
	struct nl_msg m;

	nl_msg_init(&m);
	begin_batch(&m, NFNL_MSG_BATCH_BEGIN);
	put_chain(&m, table, dev);
	put_rule(&m, table, dev, mac);
	begin_batch(&m, NFNL_MSG_BATCH_END);
	return nl_call_batch(s, &m, e);
}
