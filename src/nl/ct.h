/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connection tracking, the entries of <linux/netfilter/nfnetlink_conntrack.h>.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nl/sock.h"

/* IPv4 addresses are the first four bytes. */
struct ct_flow {
	int family;
	uint8_t src[16], dst[16]; /* as the first packet came */
	uint8_t answers_to[16];	  /* where answers are sent: its source as translated */
};

/* Deletes the entries of the socket's namespace that is_over says yes to. A kernel that cannot list
 * them is no error. Needs CAP_NET_ADMIN; a NETLINK_NETFILTER socket. */
int ct_delete_if(struct nl_sock *s, bool (*is_over)(const struct ct_flow *f, void *arg), void *arg,
		 struct err *e);
