/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole machine's traffic by one VPN, in the host's namespace. A note in RUN_DIR, written
 * before anything changes, says what there is to undo: what a killed run left, the next one
 * finishes. Root, in the host's namespace.
 */
#pragma once

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "state/record.h"

/* + id: the priority of its rules, and of the place behind them that exempted packets go to. */
#define DEFAULT_RULE_BASE 300
#define DEFAULT_SKIP_BASE 400

#define DEFAULT_DNS_MAX	  4 /* of the uplink's name servers */

enum default_state {
	DEFAULT_CHANGING = 1, /* now is the default, or is being taken away: to be finished */
	DEFAULT_ON = 2,
	DEFAULT_BEGUN = 3, /* now never was it: to be undone, to what old says, or to none */
};
enum default_dns {
	DEFAULT_DNS_UNTOUCHED,
	DEFAULT_DNS_FILE,
	DEFAULT_DNS_RESOLVED,
	DEFAULT_DNS_RESOLVCONF
};

/* One VPN as a way out. */
struct default_way {
	char name[16];
	uint8_t id; /* 0: none */
	uint8_t strict, has_ip4, has_ip6;
	uint32_t layout;
	uint32_t host;	       /* of the netns layout: the lease of the host's own cable */
	char dev[IF_NAMESIZE]; /* the cable, or the tunnel itself */
	struct in_addr addr4;
	struct in6_addr addr6;
	struct in_addr was4; /* what it had before and is not forgotten yet; unspecified: nothing */
	struct in6_addr was6;
	struct record_ip dns[RECORD_DNS_MAX];
	char search[RECORD_SEARCH_LEN];
	uint64_t ways; /* a digest of the host's own routes that the firewall knows */
};

struct default_note {
	uint32_t magic, size;
	uint32_t state;		     /* enum default_state */
	uint32_t dns;		     /* enum default_dns */
	int32_t valid_mark;	     /* what src_valid_mark was, -1: untouched */
	struct default_way now, old; /* old: the one that now replaces */
	struct record_ip uplink_dns[DEFAULT_DNS_MAX];
	uint64_t netns_dev, netns_ino; /* the network namespace whose default it is */
};

/* -ENOENT: there is no default. Needs no privilege. */
int default_note_read(struct default_note *ret, struct err *e);
int default_note_write(const struct default_note *n, struct err *e);

/* Asked when nobody else can change the default any more: n is what there is, NULL: none. 0: go on;
 * 1: do nothing, which is no error; -errno and a sentence: refused. */
struct default_permit {
	int (*ask)(const struct default_note *n, const void *arg, struct err *e);
	const void *arg;
};

/* Makes that VPN, which is up, the way out; what was it before is it no more. Repeating it repairs
 * what is missing. Waits while another is at it. permit may be NULL. */
int default_set(const char *name, bool strict, const struct default_permit *permit, struct err *e);

/* Puts back all that was found, exactly. *ret_name (16 bytes) is whose it was, "" if nobody's or
 * nothing was done. permit may be NULL. */
int default_clear(const struct default_permit *permit, char *ret_name, struct err *e);

/* Whether that VPN is it, or in a switch that was broken off one of the two. */
bool default_has(const struct default_note *n, const char *name);

/* A restart of the machine takes a default away, but not what /etc keeps of it: puts that back. To
 * be called before names are needed. */
int default_recover(struct err *e);

/* After a VPN came up, or its device was made anew: what of the default depends on it. No default:
 * nothing. What was begun and broken off is undone. */
int default_follow(struct err *e);
/* The same, if default_judge() misses something; 1: there was one that was undone. */
int default_repair(struct err *e);

/* What is missing of what keeps the default closed: 0, or -ENOENT and a sentence; -EXDEV: it is
 * that of another network namespace than the caller's. */
int default_judge(const struct default_note *n, struct err *e);
