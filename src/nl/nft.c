/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NFT_MSG_GETRULE of <linux/netfilter/nf_tables.h>. Counts, and judges nothing. Called by `vpnctl
 * status`.
 */
#include "nl/nft.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

struct walk {
	const char *table;
	struct nft_count count;
};

static int find_table(const struct nlattr *a, void *arg)
{
	const char **name = arg;

	if (mnl_attr_get_type(a) == NFTA_RULE_TABLE &&
	    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
		*name = mnl_attr_get_str(a);
	return MNL_CB_OK;
}

static int got_rule(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct walk *w = arg;
	const char *name = NULL;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg))
		return -EPROTO;
	mnl_attr_parse(nlh, sizeof(*nfg), find_table, &name);
	if (!name || strcmp(name, w->table) != 0)
		return 0;
	if (nfg->nfgen_family == NFPROTO_INET)
		w->count.inet++;
	else if (nfg->nfgen_family == NFPROTO_BRIDGE)
		w->count.bridge++;
	return 0;
}

int nft_rules_count(struct nl_sock *s, const char *table, struct nft_count *ret, struct err *e)
{
	const struct nfgenmsg nfg = {.nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0};
	struct walk w = {.table = table};
	struct nl_msg m;
	int r = -EINTR;

	for (int tries = 0; r == -EINTR && tries < 3; tries++) {
		memset(&w.count, 0, sizeof(w.count));
		nl_msg_init(&m);
		nl_msg_begin(&m, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETRULE, NLM_F_DUMP, &nfg,
			     sizeof(nfg));
		r = nl_dump(s, &m, got_rule, &w, e);
	}
	if (r < 0)
		return r;
	*ret = w.count;
	return 0;
}
