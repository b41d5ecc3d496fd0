/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nftables that are made without libnftables: where they are needed a container waits, and what
 * is linked there starts without the dynamic linker. Called by plug/cable_alone.
 */
#include "nf/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>

#include "nf/nft_expr.h"

#define CHAIN "out"

struct out_only {
	const int *ifindexes;
	size_t n;
};

static void put_out_only(struct nl_msg *m, const char *table, const void *arg)
{
	const struct nft_hook before_others = {NF_INET_LOCAL_OUT, -300};
	const struct out_only *o = arg;

	nft_put_chain(m, table, CHAIN, &before_others);
	for (size_t i = 0; i < o->n; i++) {
		size_t rule = nft_put_rule(m, table, CHAIN);

		nft_put_meta(m, NFT_META_OIF);
		nft_put_cmp(m, NFT_CMP_EQ, &o->ifindexes[i], sizeof(o->ifindexes[i]));
		nft_put_verdict(m, NF_ACCEPT, NULL);
		nft_put_rule_end(m, rule);
	}
}

int nft_out_only_by(struct nl_sock *s, const char *table, const int *ifindexes, size_t n,
		    struct err *e)
{
	const struct out_only o = {ifindexes, n};

	return nft_table_replace(s, &(struct nft_maker){table, put_out_only, &o}, e);
}

int nft_table_delete(struct nl_sock *s, uint8_t family, const char *table, struct err *e)
{
	const struct nfgenmsg nfg = {.nfgen_family = family, .version = NFNETLINK_V0};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nft_put_bound(&m, NFNL_MSG_BATCH_BEGIN);
	nl_msg_begin(&m, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, 0, &nfg, sizeof(nfg));
	nl_put_str(&m, NFTA_TABLE_NAME, table);
	nft_put_bound(&m, NFNL_MSG_BATCH_END);
	r = nl_call_batch(s, &m, e);
	return r == -ENOENT ? 0 : r;
}

int nft_table_exists(struct nl_sock *s, const char *table, struct err *e)
{
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nft_put_begin(&m, NFT_MSG_GETTABLE, 0);
	nl_put_str(&m, NFTA_TABLE_NAME, table);
	r = nl_query(s, &m, NULL, NULL, e);
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}
