/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one thing the broker does: plug a namespace into a VPN, with ports open to it if asked.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/port_map.h"
#include "broker/hints.h"
#include "nl/sock.h"
#include "state/record.h"

/* Plugs netns_fd, which whose_check() accepted, into the VPN for uid, who is the user
 * behind the asker. *ret_host is the lease. s
 * is a route socket of the broker's own namespace. */
int ops_attach(struct nl_sock *s, const struct record *r, int netns_fd, uid_t uid,
	       struct hints *hints, uint32_t *ret_host, struct err *e);

/* Has the VPN's supervisor open those ports for that lease; unplugs it if it does not. The caller
 * holds the sandbox's namespace open. */
int ops_expose(struct nl_sock *s, const struct record *r, uint32_t host, uid_t uid,
	       const struct port_map *at, size_t n, struct err *e);

/* To be called once: learns from uname(2) how this kernel is asked best. */
void ops_init(void);
