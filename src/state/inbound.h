/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of a VPN's address that lead to a sandbox. The kernel is the table here too: the ports of a
 * sandbox are the alias of its cable's end in the VPN's namespace, which only root can write and
 * which ends with the cable. Who may ask and how the asking is done; inbound_serve.h does it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/port_map.h"
#include "state/record.h"

#define INBOUND_TEXT_LEN 128

/* "PORT[/tcp|/udp]", "OUTER:INNER[/udp]", "natpmp[:INNER]", as the value of option. */
int inbound_parse(struct port_maps *m, const char *option, const char *text, struct err *e);

/* Pure: a map that could have come from inbound_parse(). */
bool inbound_is_sound(const struct port_map *p);

/* Pure: whether the VPN's file lets its users open that. -EPERM and a sentence. */
int inbound_check(const struct record *r, const struct port_map *at, size_t n, struct err *e);

/* The alias, and back; what is no such text has no ports. Never too long for INBOUND_TEXT_LEN. */
void inbound_format(const struct port_map *at, size_t n, char ret[INBOUND_TEXT_LEN]);
void inbound_unformat(const char *text, struct port_maps *ret);

/* Cables' ends in a VPN's namespace. */
struct rtnl_link;
struct inbound_cables {
	struct rtnl_link *at;
	size_t n;
};

/* Pure: whether nobody else has that port: no other cable than own, nor a service. -EBUSY: one of
 * the same user's has, which may be about to end. */
int inbound_check_free(const struct record *r, const struct inbound_cables *c,
		       const struct rtnl_link *own, const struct port_map *p, struct err *e);

/* Asks the VPN's supervisor to open them for the sandbox at that lease, which belongs to uid. Only
 * root and the broker are heard. What another of the same user's has open, which may have just
 * ended, is waited for: up to a second, then -EBUSY. The caller holds a descriptor of the sandbox's
 * namespace, so that the lease cannot become another's meanwhile. */
int inbound_ask(const struct record *r, uint32_t host, uid_t uid, const struct port_maps *maps,
		struct err *e);
/* The same for root, to whom every port may be opened, but none that nobody forwards. Those of a
 * VPN that is closed are opened when it comes up. */
int inbound_ask_as_root(const struct record *r, uint32_t host, const struct port_maps *maps,
			struct err *e);
