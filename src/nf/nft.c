/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions of <linux/netfilter/nf_tables.h>. Judges nothing. Called by up/passage.
 */
#include "nf/nft.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "nl/attr.h"

/* --- a counter ------------------------------------------------------------------------------- */

static void find_packets(const struct nlattr *a, void *arg)
{
	uint64_t packets;

	if (nl_attr_type(a) == NFTA_COUNTER_PACKETS && nl_attr_get(a, &packets, sizeof(packets)))
		*(uint64_t *)arg = be64toh(packets);
}

static void find_object(const struct nlattr *a, void *arg)
{
	if (nl_attr_type(a) == NFTA_OBJ_DATA)
		nl_attr_each_in(a, find_packets, arg);
}

static int got_object(const struct nlmsghdr *nlh, void *arg)
{
	nl_attr_each(nlh, sizeof(struct nfgenmsg), find_object, arg);
	return 0;
}

int nft_counter_get(struct nl_sock *s, const char *table, const char *counter, uint64_t *ret,
		    struct err *e)
{
	const struct nfgenmsg nfg = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
	struct nl_msg m;
	int r;

	*ret = 0;
	nl_msg_init(&m);
	nl_msg_begin(&m, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETOBJ, 0, &nfg, sizeof(nfg));
	nl_put_str(&m, NFTA_OBJ_TABLE, table);
	nl_put_str(&m, NFTA_OBJ_NAME, counter);
	nl_put_u32(&m, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	r = nl_query(s, &m, got_object, ret, e);
	if (r < 0)
		return err_wrap(e, r, "cannot read the counter %s of the table %s", counter, table);
	return 0;
}

/* --- chains of others ------------------------------------------------------------------------ */

struct chain_walk {
	int family;
	const char *ours;
	struct nft_chain found;
	bool any;
};

struct chain_attrs {
	const char *table, *name;
	uint32_t hook, policy;
	bool is_base;
};

static void find_hook(const struct nlattr *a, void *arg)
{
	struct chain_attrs *at = arg;

	if (nl_attr_type(a) != NFTA_HOOK_HOOKNUM || nl_attr_len(a) != sizeof(uint32_t))
		return;
	at->hook = ntohl(nl_attr_u32(a));
	at->is_base = true;
}

static void find_chain(const struct nlattr *a, void *arg)
{
	struct chain_attrs *at = arg;
	uint16_t type = nl_attr_type(a);

	if (type == NFTA_CHAIN_TABLE)
		at->table = nl_attr_str(a);
	else if (type == NFTA_CHAIN_NAME)
		at->name = nl_attr_str(a);
	else if (type == NFTA_CHAIN_POLICY && nl_attr_len(a) == sizeof(uint32_t))
		at->policy = ntohl(nl_attr_u32(a));
	else if (type == NFTA_CHAIN_HOOK)
		nl_attr_each_in(a, find_hook, at);
}

static const char *family_name(uint8_t family, int wanted)
{
	if (family == NFPROTO_INET)
		return "inet";
	if (family == NFPROTO_IPV4 && wanted == AF_INET)
		return "ip";
	return family == NFPROTO_IPV6 && wanted == AF_INET6 ? "ip6" : NULL;
}

/* As it may stand in a command, to a shell and to nft(8). */
static bool is_plain(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-./";

	return *name && name[strspn(name, plain)] == '\0' && !strchr("0123456789-./", *name);
}

static int got_chain(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *nfg = nl_payload(nlh);
	struct chain_attrs at = {.policy = NF_ACCEPT};
	struct chain_walk *w = arg;
	struct nft_chain c = {.drops = false};
	const char *family;

	if (nl_payload_len(nlh) < sizeof(*nfg))
		return -EPROTO;
	nl_attr_each(nlh, sizeof(*nfg), find_chain, &at);
	family = family_name(nfg->nfgen_family, w->family);
	if (!family || !at.is_base || at.hook != NF_INET_FORWARD || !at.table || !at.name ||
	    str_starts(at.table, w->ours) || !is_plain(at.table) || !is_plain(at.name))
		return 0;
	c.drops = at.policy == NF_DROP;
	if (str_copy(c.family, sizeof(c.family), family) < 0 ||
	    str_copy(c.table, sizeof(c.table), at.table) < 0 ||
	    str_copy(c.chain, sizeof(c.chain), at.name) < 0)
		return 0;
	if (!w->any || (c.drops && !w->found.drops))
		w->found = c;
	w->any = true;
	return 0;
}

static void begin_chains(void *arg)
{
	((struct chain_walk *)arg)->any = false;
}

int nft_forward_chain_find(struct nl_sock *s, int family, const char *ours, struct nft_chain *ret,
			   struct err *e)
{
	const struct nfgenmsg nfg = {.nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0};
	struct chain_walk w = {.family = family, .ours = ours};
	const struct nl_table table = {begin_chains, got_chain, &w};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETCHAIN, NLM_F_DUMP, &nfg,
		     sizeof(nfg));
	r = nl_read_table(s, &m, &table, e);
	if (r < 0)
		return r;
	*ret = w.found;
	return w.any;
}
