/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The note of the machine's default says what there is to know and to undo: a file in RUN_DIR,
 * written before anything changes. Its writer is default/default.c; whoever has to respect the
 * default reads it.
 */
#pragma once

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "state/record.h"

#define DEFAULT_NOTE_PATH RUN_DIR "/default.note"
#define DEFAULT_DNS_MAX	  4 /* of the uplink's name servers */

enum default_state {
	DEFAULT_CHANGING = 1, /* now is the default: to be finished */
	DEFAULT_ON = 2,
	DEFAULT_BEGUN = 3, /* now never was it: to be undone, to what old says, or to none */
	DEFAULT_GOING = 4, /* it was asked to be none: to be taken away */
};
enum default_dns {
	DEFAULT_DNS_UNTOUCHED,
	DEFAULT_DNS_FILE,
	DEFAULT_DNS_RESOLVED,
	DEFAULT_DNS_RESOLVCONF
};

#define DEFAULT_PORTS_MAX 16
#define DEFAULT_USERS_MAX 8
#define DEFAULT_UNITS_MAX 8
#define DEFAULT_UNIT_LEN  96

/* A service of the machine's. */
struct default_port {
	uint16_t port;
	uint16_t udp;
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
	struct record_ip dns[RECORD_DNS_MAX];
	char search[RECORD_SEARCH_LEN];
	uint64_t ways; /* a digest of the host's own routes that the firewall knows */
	/* These are answered by the way that they are asked by. */
	struct default_port ports[DEFAULT_PORTS_MAX];
	/* These are left out: users; units, and a digest of what the firewall knows of them. */
	uint32_t users[DEFAULT_USERS_MAX];
	char units[DEFAULT_UNITS_MAX][DEFAULT_UNIT_LEN];
	uint32_t n_ports, n_users, n_units;
	uint64_t exempt;
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

/* Whether that VPN is it, or in a switch that was broken off one of the two. */
bool default_has(const struct default_note *n, const char *name);
/* The same of one way out. */
bool default_is_way_of(const struct default_way *w, const char *name);
