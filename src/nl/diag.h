/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets of other programs, sock_diag(7).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nl/sock.h"

struct diag_sockets {
	int protocol, family;
	const void *addr; /* from which they send */
};

/* Counts the sockets of that protocol (IPPROTO_TCP, IPPROTO_UDP) in the namespace that send from
 * that address (struct in_addr or in6_addr); with end, ends them: their programs see ECONNABORTED.
 * A kernel that cannot is no error. Needs CAP_NET_ADMIN; a NETLINK_SOCK_DIAG socket. */
int diag_from(struct nl_sock *s, const struct diag_sockets *of, bool end, size_t *ret,
	      struct err *e);
