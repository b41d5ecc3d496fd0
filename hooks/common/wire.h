/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cables of containers, for engines that call once to attach and once to detach, and may not call
 * at all. Which port belongs to whom is written on the port itself, as its alias: there is no file.
 * Root only.
 *
 * Codes that callers tell apart: -ENOENT no such VPN, -ENETDOWN it is not up, nor held, -ESRCH the
 * container's namespace is not there, -EBADF that is no network namespace, -EPERM it is no
 * container's, -EACCES the VPN opens nothing of the LAN, or name servers lie there, -EBUSY it has
 * another way out, -EEXIST the interface is there already, -ENOSPC the pool is full, -ENOLINK what
 * should be plugged is not, -ENODEV what it should be beside is not there, -EADDRINUSE what should
 * go beside the VPN is the VPN's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nl/link.h"
#include "plug/cable_beside.h"
#include "state/record.h"

#define WIRE_TAG_LEN 256 /* an interface's alias */

struct wire {
	const char *vpn;
	const char *netns;  /* a path; NULL: gone */
	const char *ifname; /* in the container */
	bool shared;	    /* other interfaces may be there and up */
	bool lan;	    /* what "allow_lan" of the VPN's file opens may be reached */
	/* The name servers that the container gets instead of the VPN's, and what calls them so. */
	struct names_dns dns[NAMES_DNS_MAX];
	size_t n_dns;
	const char *dns_key;
	/* NULL, or the one other interface, and what may go by it; not for a shared one */
	const struct cable_beside *beside;
	char tag[WIRE_TAG_LEN];
};

/* A cable, and whose it is. */
struct wire_ends {
	struct record record;
	uint32_t host; /* the lease */
	struct rtnl_link port, end;
};

/* What is no address is for the caller to refuse; more than there is room for are not judged. */
void wire_add_dns(struct wire *w, const char *key, const char *address);

/* "ENGINE:NETWORK/CONTAINER/IFNAME". -ENAMETOOLONG. */
struct wire_owner {
	const char *engine, *network, *container, *ifname;
};
int wire_tag(char ret[WIRE_TAG_LEN], const struct wire_owner *o, struct err *e);

/* All of it or nothing. */
int wire_attach(const struct wire *w, struct wire_ends *ret, struct err *e);

/* Unplugs what is there; nothing there, in whatever way, is 0. */
int wire_detach(const struct wire *w, struct err *e);

/* Whether all that wire_attach() made is still so, and the VPN takes cables. */
int wire_check(const struct wire *w, struct wire_ends *ret, struct err *e);

/* Unplugs the ports whose tag starts with prefix and for which is_valid() is false. */
int wire_collect(const char *vpn, const char *prefix,
		 bool (*is_valid)(const char *tag, const void *arg), const void *arg,
		 struct err *e);

/* 0 if wire_attach() could be served now. *ret_inside: how many ports are plugged, also when not.
 */
int wire_status(const char *vpn, uint32_t *ret_inside, struct err *e);
