/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VPN in the kernel is data: an ordered list of objects, each as it has to be. The lists are
 * built here, by pure functions, and nowhere else; making, judging and removing them is the work of
 * ensure/. An object is of fixed size and without pointers, so that a list is written to disk as it
 * is.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/model.h"
#include "nl/rule.h"
#include "state/lease.h"
#include "state/note.h"

#define WANT_KEY_LEN   64
#define WANT_VALUE_LEN 16
#define WANT_TABLE_LEN 48
#define WANT_PATH_LEN  64

enum want_kind {
	WANT_LINK = 1,
	WANT_ADDR,
	WANT_NEIGH,
	WANT_ROUTE,
	WANT_RULE,
	WANT_SYSCTL,
	WANT_NFT,
	WANT_FILE,
	WANT_ACT,
	WANT_NETNS,
};

struct want_link {
	char name[IF_NAMESIZE];
	char kind[16]; /* "": whatever it is */
	uint8_t mac[6];
	uint8_t has_mac;
	uint8_t up;
	uint32_t mtu; /* 0: whatever it is */
};

struct want_addr {
	char dev[IF_NAMESIZE];
	int32_t family;
	uint8_t plen;
	uint8_t no_prefix_route;
	uint8_t addr[16]; /* zeroed behind the address, here and below */
};

/* A permanent neighbour for each address that a port of the pool can have. */
struct want_neigh {
	char dev[IF_NAMESIZE];
	struct lease_pool pool;
	int32_t family;
};

struct want_route {
	char dev[IF_NAMESIZE]; /* "": unreachable */
	int32_t family;
	uint8_t table;
	uint8_t plen; /* 0: default */
	uint8_t has_gateway;
	uint32_t metric;
	uint8_t dst[16], gateway[16];
};

struct want_sysctl {
	char key[WANT_KEY_LEN]; /* below /proc/sys/net, with '/' */
	char value[WANT_VALUE_LEN];
	char before[WANT_VALUE_LEN]; /* what it is given back as; "": it goes with its device */
};

struct want_nft {
	uint8_t family; /* NFPROTO_INET, ... */
	char table[WANT_TABLE_LEN];
	uint64_t digest; /* see nf/nft_digest.h; 0: not known yet */
};

struct want_file {
	char path[WANT_PATH_LEN];
	uint64_t digest; /* of its text */
};

/* The namespace itself, in NETNS_DIR. */
struct want_netns {
	char name[16];
	uint64_t dev, ino; /* 0: not known yet */
};

/* What is no object and yet has to be done where it stands in the list: by whoever makes the list,
 * and undone by them. */
enum want_act_what {
	ACT_NAMES = 1,	 /* names are asked for through it; taken away: as they were before */
	ACT_CONNECTIONS, /* taken away: those of these addresses are ended */
	ACT_FLOWS, /* and this, too, and what the firewall gave these addresses is forgotten */
};

struct want_act {
	uint32_t what;	       /* enum want_act_what */
	uint32_t how;	       /* of ACT_NAMES, enum default_dns */
	char dev[IF_NAMESIZE]; /* "": it is the whole machine's */
	char vpn[16];
	uint8_t has_ip4, has_ip6;
	struct in_addr addr4;
	struct in6_addr addr6;
};

enum want_flags {
	WANT_IF_KNOWN = 1u << 0, /* a kernel that does not know such a thing goes without */
	WANT_IF_CAN = 1u << 1,	 /* and one that does not let it be set */
	WANT_OTHERS = 1u << 2, /* of the host: set by `up`, and not again behind its owner's back */
};

struct want {
	uint32_t kind;	/* enum want_kind */
	uint32_t flags; /* enum want_flags */
	union {
		struct want_link link;
		struct want_addr addr;
		struct want_neigh neigh;
		struct want_route route;
		struct rtnl_rule rule; /* those of one priority are in their order */
		struct want_sysctl sysctl;
		struct want_nft nft;
		struct want_file file;
		struct want_act act;
		struct want_netns netns;
	};
};

struct want_list {
	struct want *at;
	size_t n, room;
	bool failed; /* memory ran out, or a name did not fit: asked once, at the end */
};

void want_list_free(struct want_list *l); /* accepts a zeroed one */
#define AUTO_WANT_LIST __attribute__((cleanup(want_list_free)))

/* 0, or -ENOMEM and a sentence. */
int want_list_check(const struct want_list *l, struct err *e);

/* Each appends one object. */
struct want *want_add(struct want_list *l, enum want_kind kind);
void want_add_link(struct want_list *l, const char *name, const char *kind, const uint8_t *mac,
		   uint32_t mtu);
void want_add_up(struct want_list *l, const char *name);
void want_add_addr(struct want_list *l, const char *dev, int family, const void *addr, uint8_t plen,
		   bool no_prefix_route);
void want_add_neigh(struct want_list *l, const char *dev, const struct lease_pool *pool,
		    int family);
/* To everywhere, unless want_route_to() says where. */
struct want_route *want_add_route(struct want_list *l, const char *dev, int family, uint8_t table,
				  uint32_t metric);
void want_route_to(struct want_route *r, const void *dst, uint8_t plen);
void want_add_rule(struct want_list *l, const struct rtnl_rule *r);
/* key may have one %s, for dev. */
void want_add_sysctl(struct want_list *l, const char *key, const char *dev, const char *value,
		     uint32_t flags);
/* One that is not ours: taken away, it is what it was before. */
void want_add_borrowed(struct want_list *l, const char *key, const char *value, const char *before);
struct want_act *want_add_act(struct want_list *l, enum want_act_what what, const char *vpn);
void want_add_nft(struct want_list *l, uint8_t family, const char *table, uint32_t flags);
void want_add_file(struct want_list *l, const char *path, const char *text, size_t len);

/* The object as a person would call it: "the address 10.20.1.1/24 of br-demo". */
#define WANT_TEXT_LEN 200
void want_describe(const struct want *w, char ret[WANT_TEXT_LEN]);
/* One word for the kind: "link", "addr", ... */
const char *want_kind_name(uint32_t kind);

/* Whether two lists speak of the same object, however it has to be. */
bool want_is_same(const struct want *a, const struct want *b);
/* Whether making the one leaves nothing of the other, as it stands in the same place: an address
 * with another prefix, a route by another device, all rules of one number. */
bool want_takes_place(const struct want *w, const struct want *of);

/* Appends to ret each object of l that none of other takes the place of, in its order. */
void want_list_minus(const struct want_list *l, const struct want_list *other,
		     struct want_list *ret);
/* Takes out what is made and goes with that device: without the tunnel's, it is the list of the
 * same VPN when it is closed. */
void want_list_drop(struct want_list *l, const char *dev);
/* Appends all of l. */
void want_list_append(struct want_list *ret, const struct want_list *l);

/* --- the lists ------------------------------------------------------------------------------- */

/* + id: the priorities of the rules; a bridge's table is its id. */
#define BRIDGE_RULE_BASE  200
#define DEFAULT_RULE_BASE 300
#define DEFAULT_SKIP_BASE 400 /* the place behind them that exempted packets go to */

/* Lists the namespace that all the rest is in, of the layout "netns". */
void want_namespace(struct want_list *l, const struct profile *p);
/* In the VPN's own namespace, of the layout "netns", but for the tunnel; mtu is the bridge's. */
void want_netns(struct want_list *l, const struct profile *p, uint32_t mtu);
/* The objects in the host's namespace, of the layout "bridge", but for the tunnel: the firewall,
 * which stands before all else; the bridge; the table and what else refuses; the rules that lead
 * there. */
void want_bridge_firewall(struct want_list *l, const struct profile *p);
void want_bridge_device(struct want_list *l, const struct profile *p, uint32_t mtu);
void want_bridge_table(struct want_list *l, const struct profile *p);
void want_bridge_rules(struct want_list *l, const struct profile *p);
/* The objects that are left to be taken away once the tunnel is gone, whatever the profile was: all
 * else goes with the bridge. */
void want_bridge_rest(struct want_list *l, const struct record *r);
/* The objects of either layout that are made anew with the tunnel's device. */
void want_tunnel(struct want_list *l, const struct profile *p);

struct want_marks {
	uint32_t at[100]; /* of tunnels' own packets, those that lie outside MARK_NET */
	size_t n;
};

/* Holds what of this host is in the list of a default. */
struct want_host {
	struct lease_pool pool; /* the VPN's */
	struct want_marks marks;
};

/* Lists the host's own, for the machine's default by that way, but for the names. */
void want_default(struct want_list *l, const struct default_note *n, const struct default_way *w,
		  const struct want_host *h);

/* Parts of it: the host's own cable and its table; what leads there. */
void want_default_cable(struct want_list *l, const struct default_way *w,
			const struct lease_pool *pool);
void want_default_firewall(struct want_list *l, const struct default_way *w);
void want_default_rules(struct want_list *l, const struct default_way *w,
			const struct want_marks *marks);

/* The host's own, while nothing but its LAN may be reached, and each alone closes it: the firewall;
 * rules that say the same, behind every bridge's and before any default's. */
void want_boot_firewall(struct want_list *l);
void want_boot_rules(struct want_list *l, const struct want_marks *marks);

/* The settings of a device among the host's, and of one in a namespace of our own. */
void want_device_settings(struct want_list *l, const char *dev, const char *rp_filter, bool ip6);
void want_own_settings(struct want_list *l, const char *dev, bool ip6);
