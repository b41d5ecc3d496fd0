/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A record is what `up` leaves for launches: /run/vpnrun/NAME, a fixed binary record without
 * secrets, 0644, replaced by rename. The launcher and the broker read it and parse nothing. Its
 * writer is vpnctl of the same installation; a record of another size or version is refused, not
 * guessed at.
 */
#pragma once

#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>

#include "base/same.h"
#include "base/util.h"
#include "base/vpn.h"
#include "ns/names.h"
#include "state/lease.h"

#define RUN_DIR		   "/run/vpnrun"
#define NETNS_DIR	   "/run/netns"
#define RECORD_MAGIC	   0x4e505652u /* "RVPN" */
#define RECORD_VERSION	   5

#define RECORD_DNS_MAX	   8
#define RECORD_ALLOW_MAX   32
#define RECORD_DEFAULT_MAX 8  /* of each list of "allow_default" */
#define RECORD_ALLOW_LEN   33 /* a user's or group's name, as in utmp(5) */
#define RECORD_SEARCH_LEN  512
#define RECORD_EXPOSE_MAX  16
#define RECORD_RANGE_MAX   8
#define RECORD_LAN_MAX	   16
#define RECORD_HOOK_LEN	   256
#define RECORD_WHY_LEN	   256

enum record_state {
	RECORD_DOWN = 1, /* the namespace is kept, closed, for those who are inside */
	RECORD_UP = 2,
	/* It was up, and nobody has asked for its end: it is being made anew, or that has failed.
	 * Closed as if it were down, and tried again. */
	RECORD_LOST = 3,
};

enum record_flags {
	RECORD_HAS_IP4 = 1u << 0, /* the tunnel has an address and a route of that family */
	RECORD_HAS_IP6 = 1u << 1,
	RECORD_USERSPACE = 1u << 2, /* wireguard-go, supervised */
	RECORD_EVERYONE = 1u << 3,
	RECORD_OWN_DNS = 1u << 4,    /* only the VPN's own name servers can be asked */
	RECORD_GUARDED = 1u << 5,    /* bridge layout: wall/guard's table is there */
	RECORD_GUARD_EACH = 1u << 6, /* and whoever makes a port adds the port's chain */
	RECORD_HELD = 1u << 7,	     /* whenever it is not up it is there, closed */
	RECORD_LAN = 1u << 8,	     /* its file has "allow_lan" */
	RECORD_DEVICE = 1u << 9,     /* it has no tunnel: its device is somebody else's */
};

struct record_ip {
	uint8_t family; /* AF_INET, AF_INET6; 0 ends the list */
	uint8_t addr[16];
};

struct record_net {
	uint8_t family, plen;
	uint8_t addr[16];
};

struct record_port {
	uint16_t port; /* 0 ends the list */
	uint16_t udp;
};

struct record_range {
	uint16_t low, high; /* high 0 ends the list */
};

struct record {
	uint32_t magic;
	uint32_t version;
	uint32_t size;
	uint32_t state;	 /* enum record_state */
	uint32_t flags;	 /* enum record_flags */
	uint32_t layout; /* enum vpn_layout */
	char name[16];
	uint8_t id;
	uint8_t subnet4_plen;
	uint16_t mtu; /* of the tunnel, the bridge and every cable */
	struct in_addr subnet4;
	uint64_t
		netns_dev; /* of NETNS_DIR/NAME: a stale record must not name another's namespace */
	uint64_t netns_ino;
	uint32_t bridge_ifindex; /* in that namespace */
	uint32_t limit;		 /* cables a user may hold, 0: the pool */
	int32_t supervisor_pid;	 /* of a userspace tunnel, 0: none */
	char bridge[IF_NAMESIZE];
	char device[IF_NAMESIZE];
	struct record_ip dns[RECORD_DNS_MAX];
	char search[RECORD_SEARCH_LEN]; /* blank-separated */
	char via[16];	  /* the VPN whose namespace has the tunnel's socket; "": the host's */
	uint64_t via_dev; /* and that namespace */
	uint64_t via_ino;
	char endpoint[128]; /* as written, of the first peer that has one */
	char allow_users[RECORD_ALLOW_MAX][RECORD_ALLOW_LEN];
	char allow_groups[RECORD_ALLOW_MAX][RECORD_ALLOW_LEN];
	struct record_port expose[RECORD_EXPOSE_MAX];	  /* open from the VPN's side */
	struct record_range may_expose[RECORD_RANGE_MAX]; /* what users may open for sandboxes */
	struct in_addr natpmp_gateway;	  /* whom to ask for a forwarded port; 0: nobody */
	char hook_user[RECORD_ALLOW_LEN]; /* is told of the forwarded port; "": nobody */
	char hook_command[RECORD_HOOK_LEN];
	uint32_t mark;	      /* of the tunnel's own packets */
	struct in_addr addr4; /* the tunnel's own */
	struct in6_addr addr6;
	char default_users[RECORD_DEFAULT_MAX][RECORD_ALLOW_LEN]; /* "allow_default" */
	char default_groups[RECORD_DEFAULT_MAX][RECORD_ALLOW_LEN];
	char why[RECORD_WHY_LEN];	 /* it is lost, if the reason is known */
	char server[SERVER_MAX_LEN + 1]; /* the one in use of many; "": it has one */
	/* The first that "allow_lan" names, where --lan refuses names; plen 0 ends the list. */
	struct record_net lan[RECORD_LAN_MAX];
};

/* -ENOENT: not there (the VPN is not up). -EPROTO: not one of ours. Needs no privilege. */
int record_read(const char *name, struct record *ret, struct err *e);
/* The one sentence for a VPN that is not up, and what to do; -ENETDOWN. */
int record_fail_down(const char *name, struct err *e);
/* 0 where a program may ask for the LAN; -EACCES and a sentence. */
int record_check_lan(const struct record *r, struct err *e);
/* 0 where each of these name servers can be asked by a program that asked for the LAN. -EACCES and
 * a sentence that begins with what: no name goes there, and all of them would fail. */
int record_check_lan_dns(const struct record *r, const struct names_dns *dns, size_t n,
			 const char *what, struct err *e);
/* 0 where a container's cable may be plugged in: the VPN is up, or held for those who come before
 * it is, and refuses all their packets until then. Else as record_fail_down(). */
int record_check_open(const struct record *r, struct err *e);
/* Adds to that sentence what there is for containers; -ENETDOWN. */
int record_hint_hold(const char *name, struct err *e);
/* For who goes on where there is none: 1: *ret is it; 0: there is none, or none of this version,
 * and *ret is empty; else it cannot be told, and nothing may be taken for granted. */
int record_find(const char *name, struct record *ret, struct err *e);
/* record_read() of one that has to be up. */
int record_read_up(const char *name, struct record *ret, struct err *e);
/* This is for who wants to come in: one that is being made anew, as by `restart`, is waited for, up
 * to a second. */
int record_read_settled(const char *name, struct record *ret, struct err *e);
int record_write(const struct record *r, struct err *e); /* root */
/* RUN_DIR, for everybody to read, if it is not there. */
int record_make_dir(struct err *e);
int record_remove(const char *name, struct err *e); /* absent: 0 */

/* The record of a tunnel with the lowest id that is up, also waited for: who names none wants a
 * VPN. -ENOENT: none. */
int record_read_default(struct record *ret, struct err *e);

/* Calls fn for every record in RUN_DIR, in no order; stops when fn returns non-zero and returns
 * that. Files that are no records are passed over. -errno and a sentence: not all of them could be
 * read, which is not "there are no others". */
int record_for_each(int (*fn)(const struct record *r, void *arg), void *arg, struct err *e);

/* Whether that is the namespace of the VPN, or of the bridge layout the host's. */
static inline bool record_is_netns(const struct record *r, const struct stat *st)
{
	return same_numbers(st, r->netns_dev, r->netns_ino);
}

/* Opens NETNS_DIR/NAME, or of the bridge layout the caller's own namespace, and checks that it is
 * the namespace the record speaks of: a descriptor of the caller's, or -ESTALE and a sentence. Any
 * user may. */
int record_open_netns(const struct record *r, struct err *e);
/* 1: *ret_fd is that; 0: it is not there any more; else that cannot be told, and whatever lives in
 * it must be left alone. */
int record_find_netns(const struct record *r, int *ret_fd, struct err *e);

_Static_assert(RECORD_DNS_MAX <= NAMES_DNS_MAX, "a record's servers fit");

/* The VPN's name servers that the tunnel can reach: asking the others only costs time. How many. */
size_t record_servers(const struct record *r, struct names_dns ret[NAMES_DNS_MAX]);

/* The device that packets leave by, "": none; of one without a tunnel it is not the VPN's own. */
static inline const char *record_way(const struct record *r)
{
	return r->flags & RECORD_DEVICE ? r->endpoint : r->device;
}

struct lease_pool record_pool(const struct record *r);
