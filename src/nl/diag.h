/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets of other programs, sock_diag(7).
 */
#pragma once

#include <stddef.h>

#include "nl/sock.h"

/* Ends the TCP and UDP sockets of the namespace that send from that address (struct in_addr or
 * in6_addr): their programs see ECONNABORTED. *ret: how many were there. A kernel that cannot end
 * them is no error, and the next call counts what is left. Needs CAP_NET_ADMIN; a NETLINK_SOCK_DIAG
 * socket. */
int diag_end_from(struct nl_sock *s, int family, const void *addr, size_t *ret, struct err *e);
