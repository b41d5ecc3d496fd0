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

/* Each device there; begin comes before the first, and again whenever the list has to be read anew.
 * -EINTR: no list was whole. */
struct port_reader {
	void (*begin)(void *arg);
	void (*fn)(const struct port *p, void *arg);
	void *arg;
};
int port_each(struct nl_sock *s, int nsid, const struct port_reader *r, struct err *e);
