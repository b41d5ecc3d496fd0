/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sock_diag(7): ending connections whose address goes away.
 */
#pragma once

#include "nl/sock.h"

/* Aborts every TCP and connected UDP socket of the namespace of s (NETLINK_SOCK_DIAG) whose own
 * address is addr, a struct in_addr or in6_addr. Kernels without CONFIG_INET_DIAG_DESTROY: 0, and
 * nothing is done. */
int diag_destroy(struct nl_sock *s, int family, const void *addr, struct err *e);
