/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Of a VPN's ports only what they are called and whose they are: nl/link.h knows all of a link.
 */
#pragma once

#include <net/if.h>
#include <stdint.h>

#include "nl/sock.h"

struct port {
	char name[IF_NAMESIZE];
	uint32_t group;
};

/* The device of that name in the namespace nsid (RTNL_HERE: the socket's own). -ENODEV. */
int port_get(struct nl_sock *s, int nsid, const char *name, struct port *ret, struct err *e);

/* Each device there. -EINTR: some changed meanwhile, and the list may lack one; to begin anew is
 * the caller's. */
typedef void (*port_fn)(const struct port *p, void *arg);
int port_each(struct nl_sock *s, int nsid, port_fn fn, void *arg, struct err *e);
