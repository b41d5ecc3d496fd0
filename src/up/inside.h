/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is inside a VPN, read from the kernel at this moment: the ports of its bridge, and whose
 * namespace is at the other end of each. Needs root.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "state/lease.h"
#include "state/record.h"

#define INSIDE_COMM_LEN 16

struct inside_process {
	pid_t pid; /* 0: none, the namespace is kept open by something else */
	uint32_t uid;
	char comm[INSIDE_COMM_LEN]; /* printable ASCII only */
};

struct inside_lease {
	char port[LEASE_IF_LEN];
	uint32_t h;
	uint32_t uid; /* whose cable it is */
	bool is_lan;  /* it may reach what "allow_lan" names, by --lan or with its whole bridge */
	int peer_nsid;
	struct in_addr ip4;
	struct in6_addr ip6;
	struct inside_process process; /* the oldest in the sandbox's namespace */
	bool counted;		       /* what follows is known */
	uint64_t rx, tx;	       /* bytes, as the program sees them */
};

struct inside {
	struct inside_lease *leases; /* by h */
	size_t n_leases;
	struct inside_process *services; /* in the VPN's own namespace */
	size_t n_services;
};

void inside_free(struct inside *in); /* accepts a zeroed one */

/* The ports only: processes stay empty. */
int inside_read_leases(const struct record *r, int vpn_netns_fd, struct inside *ret, struct err *e);
/* Lists the processes, too. */
int inside_read(const struct record *r, int vpn_netns_fd, struct inside *ret, struct err *e);

/* The namespace of a program that has ended goes a moment after it, and its port with it: this
 * waits for those at whose other end nobody is, two seconds at most, and then takes them for what
 * something else keeps open. */
void inside_settle(const struct record *r, int vpn_netns_fd);

/* Lists what an ordinary user can see: the sandboxes of their own, by what these say of
 * themselves. */
int inside_read_own(const struct record *r, struct inside *ret, struct err *e);

/* Unplugs the ports of that uid, or those at whose other end the process pid is (the other argument
 * is -1). Returns how many. */
int inside_kick(const struct record *r, int vpn_netns_fd, int64_t uid, int64_t pid, struct err *e);
