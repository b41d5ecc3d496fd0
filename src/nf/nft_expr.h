/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of the family inet, piece by piece, for who cannot wait for libnftables: builders of one
 * transaction, and of the expressions of a rule, of which each reads or writes register 1.
 */
#pragma once

#include <linux/netfilter/nf_tables.h>
#include <stdint.h>

#include "nl/sock.h"

/* Makes a table as put() says; one that is there is replaced. All or nothing. */
struct nft_maker {
	const char *table;
	void (*put)(struct nl_msg *m, const char *table, const void *arg);
	const void *arg;
};
int nft_table_replace(struct nl_sock *s, const struct nft_maker *maker, struct err *e);

void nft_put_begin(struct nl_msg *m, uint16_t type, uint16_t flags);
void nft_put_bound(struct nl_msg *m, uint16_t type); /* of a transaction */

/* A chain of that name that packets come to by a jump; or with a hook, where it drops by policy. */
struct nft_hook {
	uint32_t num; /* NF_INET_... */
	int32_t priority;
};
void nft_put_chain(struct nl_msg *m, const char *table, const char *chain,
		   const struct nft_hook *hook);

/* A rule's expressions stand between the two. */
size_t nft_put_rule(struct nl_msg *m, const char *table, const char *chain);
void nft_put_rule_end(struct nl_msg *m, size_t rule);

void nft_put_meta(struct nl_msg *m, enum nft_meta_keys key);
void nft_put_ct(struct nl_msg *m, enum nft_ct_keys key);
struct nft_field {
	enum nft_payload_bases base;
	uint32_t offset, len;
};
void nft_put_payload(struct nl_msg *m, const struct nft_field *field);
void nft_put_mask(struct nl_msg *m, const void *mask, size_t len);
void nft_put_cmp(struct nl_msg *m, enum nft_cmp_ops op, const void *data, size_t len);
void nft_put_verdict(struct nl_msg *m, int verdict, const char *chain); /* chain: jump, goto */
void nft_put_reject(struct nl_msg *m, enum nft_reject_types type, uint8_t icmpx_code);
