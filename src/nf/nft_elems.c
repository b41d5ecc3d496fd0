/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See nft_elems.h. The kernel believes the numbers: nobody has them yet, or any more, matches
 * nothing. Called by default/default_units.
 */
#include "nf/nft_elems.h"

#include <linux/netfilter/nfnetlink.h>

#include "nf/nft_expr.h"

static void put_name(struct nl_msg *m, const struct nft_set_name *name)
{
	nl_put_str(m, NFTA_SET_ELEM_LIST_TABLE, name->table);
	nl_put_str(m, NFTA_SET_ELEM_LIST_SET, name->set);
}

int nft_set_fill(struct nl_sock *s, const struct nft_set_name *name, const uint64_t *keys, size_t n,
		 struct err *e)
{
	size_t list, elem, key;
	struct nl_msg m;

	nl_msg_init(&m);
	nft_put_bound(&m, NFNL_MSG_BATCH_BEGIN);
	nft_put_begin(&m, NFT_MSG_DELSETELEM, 0);
	put_name(&m, name);
	if (n) {
		nft_put_begin(&m, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
		put_name(&m, name);
		list = nl_nest(&m, NFTA_SET_ELEM_LIST_ELEMENTS);
		for (size_t i = 0; i < n; i++) {
			elem = nl_nest(&m, NFTA_LIST_ELEM);
			key = nl_nest(&m, NFTA_SET_ELEM_KEY);
			nl_put(&m, NFTA_DATA_VALUE, &keys[i], sizeof(keys[i]));
			nl_nest_end(&m, key);
			nl_nest_end(&m, elem);
		}
		nl_nest_end(&m, list);
	}
	nft_put_bound(&m, NFNL_MSG_BATCH_END);
	return nl_call_batch(s, &m, e);
}
