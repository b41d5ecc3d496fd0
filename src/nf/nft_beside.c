/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See nft_beside.h. There are two chains with a hook: the one at "output" can refuse at once, but
 * does not learn of a device that a translation has changed; the one at "postrouting" sees every
 * packet with the device that it leaves by, forwarded ones too, and can only drop. Called by
 * plug/cable_beside.
 */
#include "nf/nft_beside.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stddef.h>

#include "base/util.h"
#include "nf/nft_expr.h"
#include "nl/link.h"

#define BESIDE	    "beside"
#define NAMES	    "names"
#define MLD2_REPORT 143

/* The first stands behind connection tracking, the second behind all that others may translate. */
static const struct {
	const char *chain;
	struct nft_hook hook;
	bool refuses;
} hooks[] = {
	{"out", {NF_INET_LOCAL_OUT, 0}, true},
	{"last", {NF_INET_POST_ROUTING, 300}, false},
};

static const uint16_t names_ports[] = {53, 853};

/* A rule while it is being written. */
struct rule {
	struct nl_msg *m;
	size_t nest;
};

static struct rule begin(struct nl_msg *m, const char *table, const char *chain)
{
	return (struct rule){m, nft_put_rule(m, table, chain)};
}

static void end(struct rule r, int verdict, const char *chain)
{
	nft_put_verdict(r.m, verdict, chain);
	nft_put_rule_end(r.m, r.nest);
}

static void match_byte(struct rule r, enum nft_meta_keys key, uint8_t value)
{
	nft_put_meta(r.m, key);
	nft_put_cmp(r.m, NFT_CMP_EQ, &value, sizeof(value));
}

static void match_device(struct rule r, int ifindex)
{
	nft_put_meta(r.m, NFT_META_OIF);
	nft_put_cmp(r.m, NFT_CMP_EQ, &ifindex, sizeof(ifindex));
}

static void put_by_device(struct nl_msg *m, const char *table, const char *chain, int ifindex)
{
	struct rule r = begin(m, table, chain);

	match_device(r, ifindex);
	end(r, NF_ACCEPT, NULL);
}

/* An answer is a packet of a connection that was opened by who it is sent to. */
static void put_answers(struct nl_msg *m, const char *table)
{
	const uint32_t known = NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED);
	const uint32_t none = 0;
	const uint8_t reply = IP_CT_DIR_REPLY;
	struct rule r = begin(m, table, BESIDE);

	nft_put_ct(m, NFT_CT_STATE);
	nft_put_mask(m, &known, sizeof(known));
	nft_put_cmp(m, NFT_CMP_NEQ, &none, sizeof(none));
	nft_put_ct(m, NFT_CT_DIRECTION);
	nft_put_cmp(m, NFT_CMP_EQ, &reply, sizeof(reply));
	end(r, NF_ACCEPT, NULL);
}

/* Nobody finds an IPv6 neighbour without it; ARP does not come here. */
static void put_discovery(struct nl_msg *m, const char *table, uint8_t type)
{
	const struct nft_field field = {NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1};
	struct rule r = begin(m, table, BESIDE);

	match_byte(r, NFT_META_L4PROTO, IPPROTO_ICMPV6);
	nft_put_payload(m, &field);
	nft_put_cmp(m, NFT_CMP_EQ, &type, sizeof(type));
	end(r, NF_ACCEPT, NULL);
}

/* It is "goto" and not "jump": what is a query for names and not for those servers is past all that
 * follows. */
static void put_names(struct nl_msg *m, const char *table, uint8_t proto, uint16_t port)
{
	const struct nft_field field = {NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(port)};
	struct rule r = begin(m, table, BESIDE);
	uint16_t dport = htons(port);

	match_byte(r, NFT_META_L4PROTO, proto);
	nft_put_payload(m, &field);
	nft_put_cmp(m, NFT_CMP_EQ, &dport, sizeof(dport));
	end(r, NFT_GOTO, NAMES);
}

static void put_net(struct nl_msg *m, const char *table, const char *chain,
		    const struct net_prefix *p)
{
	bool ip4 = p->family == AF_INET;
	const struct nft_field field = {NFT_PAYLOAD_NETWORK_HEADER,
					ip4 ? offsetof(struct iphdr, daddr)
					    : offsetof(struct ip6_hdr, ip6_dst),
					ip4 ? 4 : 16};
	struct rule r = begin(m, table, chain);
	uint8_t mask[16];

	prefix_mask(p, mask, field.len);
	match_byte(r, NFT_META_NFPROTO, ip4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
	nft_put_payload(m, &field);
	nft_put_mask(m, mask, field.len);
	nft_put_cmp(m, NFT_CMP_EQ, p->addr, field.len);
	end(r, NF_ACCEPT, NULL);
}

static void put_refusal(struct nl_msg *m, const char *table, const char *chain)
{
	struct rule tcp = begin(m, table, chain), rest;

	match_byte(tcp, NFT_META_L4PROTO, IPPROTO_TCP);
	nft_put_reject(m, NFT_REJECT_TCP_RST, 0);
	nft_put_rule_end(m, tcp.nest);
	rest = begin(m, table, chain);
	nft_put_reject(m, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH);
	nft_put_rule_end(m, rest.nest);
}

static void put_hook(struct nl_msg *m, const char *table, const struct nft_beside *b, size_t i)
{
	const char *chain = hooks[i].chain;
	struct rule r;

	nft_put_chain(m, table, chain, &hooks[i].hook);
	put_by_device(m, table, chain, LO_IFINDEX);
	put_by_device(m, table, chain, b->cable);
	r = begin(m, table, chain);
	match_device(r, b->ifindex);
	end(r, NFT_JUMP, BESIDE);
	if (hooks[i].refuses)
		put_refusal(m, table, chain);
}

static void put_all(struct nl_msg *m, const char *table, const void *arg)
{
	const struct nft_beside *b = arg;

	nft_put_chain(m, table, NAMES, NULL);
	for (size_t i = 0; i < b->n_dns; i++)
		put_net(m, table, NAMES, &b->dns[i]);
	nft_put_chain(m, table, BESIDE, NULL);
	put_answers(m, table);
	put_discovery(m, table, ND_NEIGHBOR_SOLICIT);
	put_discovery(m, table, ND_NEIGHBOR_ADVERT);
	put_discovery(m, table, MLD2_REPORT);
	for (size_t i = 0; i < ARRAY_SIZE(names_ports); i++) {
		put_names(m, table, IPPROTO_TCP, names_ports[i]);
		put_names(m, table, IPPROTO_UDP, names_ports[i]);
	}
	for (size_t i = 0; i < b->n_nets; i++)
		put_net(m, table, BESIDE, &b->nets[i]);
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		put_hook(m, table, b, i);
}

int nft_out_beside(struct nl_sock *s, const char *table, const struct nft_beside *b, struct err *e)
{
	return nft_table_replace(s, &(struct nft_maker){table, put_all, b}, e);
}
