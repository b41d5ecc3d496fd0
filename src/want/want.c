/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list itself, and the words for what is in it. Pure.
 */
#include "want/want.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "nl/addr.h"

void want_list_free(struct want_list *l)
{
	free(l->at);
	memset(l, 0, sizeof(*l));
}

int want_list_check(const struct want_list *l, struct err *e)
{
	return l->failed ? err_set(e, -ENOMEM, "cannot list what the VPN consists of: no memory")
			 : 0;
}

/* Where memory is out, what is written to is nobody's. */
struct want *want_add(struct want_list *l, enum want_kind kind)
{
	static struct want nowhere;
	struct want *w = &nowhere;

	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct want *more = reallocarray(l->at, room, sizeof(*more));

		if (more) {
			l->at = more;
			l->room = room;
		} else {
			l->failed = true;
		}
	}
	if (l->n < l->room)
		w = &l->at[l->n++];
	memset(w, 0, sizeof(*w));
	w->kind = kind;
	return w;
}

static void copy(struct want_list *l, char *dst, size_t size, const char *src)
{
	if (str_copy(dst, size, src) < 0)
		l->failed = true;
}

void want_add_link(struct want_list *l, const char *name, const char *kind, const uint8_t *mac,
		   uint32_t mtu)
{
	struct want_link *k = &want_add(l, WANT_LINK)->link;

	copy(l, k->name, sizeof(k->name), name);
	copy(l, k->kind, sizeof(k->kind), kind);
	k->has_mac = mac != NULL;
	if (mac)
		memcpy(k->mac, mac, sizeof(k->mac));
	k->mtu = mtu;
}

void want_add_up(struct want_list *l, const char *name)
{
	struct want_link *k = &want_add(l, WANT_LINK)->link;

	copy(l, k->name, sizeof(k->name), name);
	k->up = true;
}

void want_add_addr(struct want_list *l, const char *dev, int family, const void *addr, uint8_t plen,
		   bool no_prefix_route)
{
	struct want_addr *a = &want_add(l, WANT_ADDR)->addr;

	copy(l, a->dev, sizeof(a->dev), dev);
	a->family = family;
	a->plen = plen;
	a->no_prefix_route = no_prefix_route;
	memcpy(a->addr, addr, rtnl_addr_len(family));
}

void want_add_neigh(struct want_list *l, const char *dev, const struct lease_pool *pool, int family)
{
	struct want_neigh *n = &want_add(l, WANT_NEIGH)->neigh;

	copy(l, n->dev, sizeof(n->dev), dev);
	n->pool = *pool;
	n->family = family;
}

struct want_route *want_add_route(struct want_list *l, const char *dev, int family, uint8_t table,
				  uint32_t metric)
{
	struct want_route *r = &want_add(l, WANT_ROUTE)->route;

	copy(l, r->dev, sizeof(r->dev), dev);
	r->family = family;
	r->table = table;
	r->metric = metric;
	return r;
}

void want_route_to(struct want_route *r, const void *dst, uint8_t plen)
{
	r->plen = plen;
	if (plen)
		memcpy(r->dst, dst, rtnl_addr_len(r->family));
}

void want_add_rule(struct want_list *l, const struct rtnl_rule *r)
{
	want_add(l, WANT_RULE)->rule = *r;
}

void want_add_sysctl(struct want_list *l, const char *key, const char *dev, const char *value,
		     uint32_t flags)
{
	struct want *w = want_add(l, WANT_SYSCTL);
	const char *at = strstr(key, "%s");
	int r;

	w->flags = flags;
	if (at)
		r = str_fmt(w->sysctl.key, sizeof(w->sysctl.key), "%.*s%s%s", (int)(at - key), key,
			    dev, at + 2);
	else
		r = str_copy(w->sysctl.key, sizeof(w->sysctl.key), key);
	if (r < 0)
		l->failed = true;
	copy(l, w->sysctl.value, sizeof(w->sysctl.value), value);
}

void want_add_borrowed(struct want_list *l, const char *key, const char *value, const char *before)
{
	struct want *w;

	want_add_sysctl(l, key, "", value, 0);
	w = &l->at[l->n ? l->n - 1 : 0];
	if (!l->failed)
		copy(l, w->sysctl.before, sizeof(w->sysctl.before), before);
}

struct want_act *want_add_act(struct want_list *l, enum want_act_what what, const char *vpn)
{
	struct want_act *a = &want_add(l, WANT_ACT)->act;

	a->what = what;
	copy(l, a->vpn, sizeof(a->vpn), vpn);
	return a;
}

void want_add_nft(struct want_list *l, uint8_t family, const char *table, uint32_t flags)
{
	struct want *w = want_add(l, WANT_NFT);

	w->flags = flags;
	w->nft.family = family;
	copy(l, w->nft.table, sizeof(w->nft.table), table);
}

void want_add_file(struct want_list *l, const char *path, const char *text, size_t len)
{
	struct want_file *f = &want_add(l, WANT_FILE)->file;

	copy(l, f->path, sizeof(f->path), path);
	f->digest = digest_bytes(DIGEST_INIT, text, len);
}

/* --- words ----------------------------------------------------------------------------------- */

const char *want_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[WANT_LINK] = "link",	[WANT_ADDR] = "addr", [WANT_NEIGH] = "neigh",
		[WANT_ROUTE] = "route", [WANT_RULE] = "rule", [WANT_SYSCTL] = "sysctl",
		[WANT_NFT] = "nft",	[WANT_FILE] = "file", [WANT_ACT] = "act",
		[WANT_NETNS] = "netns",
	};

	return kind < ARRAY_SIZE(names) && names[kind] ? names[kind] : "?";
}

static const char *prefix_text(int family, const uint8_t addr[16], uint8_t plen,
			       char ret[INET6_ADDRSTRLEN + 4])
{
	char text[INET6_ADDRSTRLEN];

	if (!plen)
		return "default";
	if (!inet_ntop(family, addr, text, sizeof(text)))
		return "?";
	if (plen == rtnl_addr_len(family) * 8)
		snprintf(ret, INET6_ADDRSTRLEN + 4, "%s", text);
	else
		snprintf(ret, INET6_ADDRSTRLEN + 4, "%s/%u", text, plen);
	return ret;
}

static void describe_route(const struct want_route *r, char *ret, size_t size)
{
	char dst[INET6_ADDRSTRLEN + 4], gw[INET6_ADDRSTRLEN + 4];
	const char *to = prefix_text(r->family, r->dst, r->plen, dst);
	const char *six = r->family == AF_INET6 ? "IPv6 " : "";
	int n;

	if (r->dev[0] && r->has_gateway)
		n = snprintf(ret, size, "the %sroute %s via %s dev %s", six, to,
			     prefix_text(r->family, r->gateway,
					 (uint8_t)(rtnl_addr_len(r->family) * 8), gw),
			     r->dev);
	else if (r->dev[0])
		n = snprintf(ret, size, "the %sroute %s dev %s", six, to, r->dev);
	else
		n = snprintf(ret, size, "the %sroute unreachable %s", six, to);
	if (r->metric && n > 0 && (size_t)n < size)
		n += snprintf(ret + n, size - (size_t)n, " metric %u", r->metric);
	if (r->table != RT_TABLE_MAIN && n > 0 && (size_t)n < size)
		snprintf(ret + n, size - (size_t)n, " of the table %u", r->table);
}

static void describe_rule(const struct rtnl_rule *r, char *ret, size_t size)
{
	char src[INET6_ADDRSTRLEN + 4], dst[INET6_ADDRSTRLEN + 4], mark[40] = "", what[40];
	char who[48] = "";

	if (r->mask == UINT32_MAX)
		snprintf(mark, sizeof(mark), " fwmark 0x%x", r->mark);
	else if (r->mask)
		snprintf(mark, sizeof(mark), " fwmark 0x%x/0x%x", r->mark, r->mask);
	if (r->has_uid)
		snprintf(who, sizeof(who), " uidrange %u-%u", r->uid, r->uid);
	else if (r->sport)
		snprintf(who, sizeof(who), " ipproto %s sport %u",
			 r->proto == IPPROTO_UDP ? "udp" : "tcp", r->sport);
	if (r->unreachable)
		snprintf(what, sizeof(what), " unreachable");
	else if (r->go_to)
		snprintf(what, sizeof(what), " goto %u", r->go_to);
	else if (r->nop)
		snprintf(what, sizeof(what), " nop");
	else
		snprintf(what, sizeof(what), " lookup %u%s", r->table,
			 r->no_default ? " suppress_prefixlength 0" : "");
	snprintf(ret, size, "the %srule %u: from %s%s%s%s%s%s%s",
		 r->family == AF_INET6 ? "IPv6 " : "", r->priority,
		 r->src_len ? prefix_text(r->family, r->src, r->src_len, src) : "all",
		 r->dst_len ? " to " : "",
		 r->dst_len ? prefix_text(r->family, r->dst, r->dst_len, dst) : "", mark,
		 r->own ? " iif lo" : "", who, what);
}

static const char *nft_family(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_ARP:
		return "arp";
	case NFPROTO_NETDEV:
		return "netdev";
	default:
		return "?";
	}
}

static void describe_sysctl(const struct want_sysctl *s, char *ret, size_t size)
{
	char key[WANT_KEY_LEN];
	bool is_odd = strchr(s->key, '.') != NULL; /* in a device's name */

	memcpy(key, s->key, sizeof(key));
	for (char *c = key; *c && !is_odd; c++)
		if (*c == '/')
			*c = '.';
	snprintf(ret, size, "the sysctl net%c%s = %s", is_odd ? '/' : '.', key, s->value);
}

static void describe_act(const struct want_act *a, char *ret, size_t size)
{
	static const char *const texts[] = {
		[ACT_NAMES] = "names are asked for through",
		[ACT_CONNECTIONS] = "what is connected by it ends with",
		[ACT_FLOWS] = "what the host forwards by it ends with",
	};

	snprintf(ret, size, "%s %s",
		 a->what < ARRAY_SIZE(texts) && texts[a->what] ? texts[a->what] : "?", a->vpn);
}

static void describe_addr(const struct want_addr *a, char *ret, size_t size)
{
	char net[INET6_ADDRSTRLEN];

	inet_ntop(a->family, a->addr, net, sizeof(net));
	snprintf(ret, size, "the address %s/%u of %s", net, a->plen, a->dev);
}

void want_describe(const struct want *w, char ret[WANT_TEXT_LEN])
{
	switch ((enum want_kind)w->kind) {
	case WANT_LINK:
		snprintf(ret, WANT_TEXT_LEN, "the device %s", w->link.name);
		return;
	case WANT_ADDR:
		describe_addr(&w->addr, ret, WANT_TEXT_LEN);
		return;
	case WANT_NEIGH:
		snprintf(ret, WANT_TEXT_LEN, "a permanent IPv%c neighbour of %s",
			 w->neigh.family == AF_INET ? '4' : '6', w->neigh.dev);
		return;
	case WANT_ROUTE:
		describe_route(&w->route, ret, WANT_TEXT_LEN);
		return;
	case WANT_RULE:
		describe_rule(&w->rule, ret, WANT_TEXT_LEN);
		return;
	case WANT_SYSCTL:
		describe_sysctl(&w->sysctl, ret, WANT_TEXT_LEN);
		return;
	case WANT_NFT:
		snprintf(ret, WANT_TEXT_LEN, "the firewall's table %s %s",
			 nft_family(w->nft.family), w->nft.table);
		return;
	case WANT_FILE:
		snprintf(ret, WANT_TEXT_LEN, "the file %s", w->file.path);
		return;
	case WANT_NETNS:
		snprintf(ret, WANT_TEXT_LEN, "the network namespace %s", w->netns.name);
		return;
	case WANT_ACT:
		describe_act(&w->act, ret, WANT_TEXT_LEN);
		return;
	}
	snprintf(ret, WANT_TEXT_LEN, "an object of the kind %u", w->kind);
}

bool want_is_same(const struct want *a, const struct want *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == WANT_SYSCTL)
		return !strcmp(a->sysctl.key, b->sysctl.key);
	if (a->kind == WANT_NFT)
		return a->nft.family == b->nft.family && !strcmp(a->nft.table, b->nft.table);
	if (a->kind == WANT_FILE)
		return !strcmp(a->file.path, b->file.path);
	if (a->kind == WANT_LINK)
		return !strcmp(a->link.name, b->link.name);
	if (a->kind == WANT_NETNS)
		return !strcmp(a->netns.name, b->netns.name);
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* --- differences ----------------------------------------------------------------------------- */

static bool is_route_place(const struct want_route *a, const struct want_route *b)
{
	return a->family == b->family && a->table == b->table && a->plen == b->plen &&
	       a->metric == b->metric && memcmp(a->dst, b->dst, sizeof(a->dst)) == 0;
}

/* Where a whole machine asks for names there is one place, and else one a device. */
static bool is_act_place(const struct want_act *a, const struct want_act *b)
{
	if (a->what != b->what)
		return false;
	if (a->what == ACT_NAMES)
		return a->how == b->how && !strcmp(a->dev, b->dev);
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool want_takes_place(const struct want *w, const struct want *of)
{
	if (w->kind != of->kind)
		return false;
	switch ((enum want_kind)w->kind) {
	case WANT_ADDR:
		return !strcmp(w->addr.dev, of->addr.dev) && w->addr.family == of->addr.family &&
		       memcmp(w->addr.addr, of->addr.addr, sizeof(w->addr.addr)) == 0;
	case WANT_NEIGH:
		return !strcmp(w->neigh.dev, of->neigh.dev) && w->neigh.family == of->neigh.family;
	case WANT_ROUTE:
		return is_route_place(&w->route, &of->route);
	case WANT_RULE:
		return w->rule.family == of->rule.family && w->rule.priority == of->rule.priority;
	case WANT_ACT:
		return is_act_place(&w->act, &of->act);
	case WANT_LINK:
	case WANT_SYSCTL:
	case WANT_NFT:
	case WANT_FILE:
	case WANT_NETNS:
		break;
	}
	return want_is_same(w, of);
}

void want_list_minus(const struct want_list *l, const struct want_list *other,
		     struct want_list *ret)
{
	for (size_t i = 0; i < l->n; i++) {
		bool taken = false;

		for (size_t k = 0; k < other->n && !taken; k++)
			taken = want_takes_place(&other->at[k], &l->at[i]);
		if (!taken)
			*want_add(ret, l->at[i].kind) = l->at[i];
	}
	ret->failed = ret->failed || l->failed || other->failed;
}

static bool is_of_device(const struct want *w, const char *dev)
{
	char at[IF_NAMESIZE + 2];

	if (w->kind == WANT_SYSCTL)
		return str_fmt(at, sizeof(at), "/%s/", dev) >= 0 && strstr(w->sysctl.key, at);
	if (w->kind == WANT_LINK)
		return !strcmp(w->link.name, dev);
	if (w->kind == WANT_ADDR)
		return !strcmp(w->addr.dev, dev);
	return w->kind == WANT_ROUTE && !strcmp(w->route.dev, dev);
}

void want_list_drop(struct want_list *l, const char *dev)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++)
		if (!is_of_device(&l->at[i], dev))
			l->at[kept++] = l->at[i];
	l->n = kept;
}

void want_list_append(struct want_list *ret, const struct want_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		*want_add(ret, l->at[i].kind) = l->at[i];
	ret->failed = ret->failed || l->failed;
}
