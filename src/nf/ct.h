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
	uint8_t answers_from[16]; /* who answers: its destination as translated */
	uint16_t zone;		  /* of its first direction; 0: none */
};

struct ct_judge {
	bool (*is_over)(const struct ct_flow *f, void *arg);
	/* NULL, or called when the list has been read: is_over is asked once more of those that it
	 * said yes to, by what is so then. */
	int (*look_again)(void *arg, struct err *e);
	void *arg;
};

/* Deletes the entries of the socket's namespace that the judge says are over. A kernel that cannot
 * list them is no error. Needs CAP_NET_ADMIN; a NETLINK_NETFILTER socket. */
int ct_delete_if(struct nl_sock *s, const struct ct_judge *judge, struct err *e);
