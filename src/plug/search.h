/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one search for a free number of a VPN, and the making of its port. The kernel is the table of
 * leases: to create the port "vrID.H" is to take the lease, and its EEXIST is the lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "plug/guard_port.h"
#include "state/record.h"

#define SEARCH_HOSTS 1024 /* a bridge takes 1023 ports */

/* Remembers which numbers of a VPN are taken, as far as somebody remembers who plugs often. Hints
 * only: a lie in here costs time and nothing else. All 0: nothing is known. */
struct search_memory {
	uint32_t next; /* goes round: the last holder's cable takes a while to go */
	uint64_t taken[SEARCH_HOSTS / 64];
};

struct search {
	struct guard_socks s;
	struct search_memory *m;
	const struct record *r;
	struct lease_pool pool;
	int vpn_fd;
	int nsid; /* of vpn_fd; RTNL_HERE: not asked for yet, or not needed */
	int netns_fd;
	const char *ifname;
	uint32_t group; /* whose the cable is, as the kernel's table has it; see LEASE_LAN */
	bool takes_all; /* set by the search: also what is used by who was plugged in by hand */
};

/* Takes a number and makes the whole cable or nothing. *ret is the lease. */
int search_take(struct search *a, uint32_t *ret, struct err *e);

/* For who lists the ports: the nsid to name their namespace by is known after it. */
int search_need_nsid(struct search *a, struct err *e);

/* Takes the cable away again, unless its number is another's by now because the sandbox died. */
void search_give_back(struct search *a, uint32_t host);
