/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The relay: takes connections from sockets that listen in one network namespace and makes their
 * counterparts in the caller's own. It carries bytes and knows nothing else.
 */
#pragma once

#include "relay/ports.h"
#include "state/record.h"

#define RELAY_TARGETS_MAX 4
#define RELAY_OWN_MAX	  2
#define RELAY_ENDS_MAX	  2

/* What tells the relay that it is over. */
struct relay_end {
	int fd; /* readable: it may be */
	/* NULL: then it is. Must not block, open or allocate anything. */
	bool (*is_over)(int fd);
};

struct relay {
	struct relay_ports ports;
	struct relay_target targets[RELAY_TARGETS_MAX]; /* tried in this order */
	size_t n_targets;
	/* Who comes by a wide listener comes from one of these: a program that trusts localhost, as
	 * many web pages do, must never take a stranger for it. A family without one is not tried.
	 */
	struct relay_target own[RELAY_OWN_MAX];
	size_t n_own;
	struct relay_end ends[RELAY_ENDS_MAX]; /* any of them */
	size_t n_ends;
};

/* The loopback addresses; more may follow. */
void relay_targets_loopback(struct relay *r);
void relay_targets_add(struct relay *r, int family, const void *addr);
/* An address of the network that the relay connects in: a target, and where strangers come from. */
void relay_own_add(struct relay *r, int family, const void *addr);
/* Those of a lease. */
void relay_own_lease(struct relay *r, const struct record *rec, uint32_t host);
void relay_end_add(struct relay *r, int fd, bool (*is_over)(int fd));

/* Opens what the loop needs; r must stay where it is. One relay a process. */
int relay_prepare(const struct relay *r, struct err *e);

/* Gives up, for good, all that carrying bytes does not need: capabilities, being looked into, and
 * the system calls. */
int relay_confine(struct err *e);

/* Runs until it is over: 0, or why not. */
int relay_loop(struct err *e);

/* The ports of one sandbox or container, in both directions, by processes that are nobody's child.
 */
struct relay_sandbox {
	struct relay in; /* listens outside, connects inside */
	int out;	 /* the channel of the one that listens inside and connects outside; -1 */
};

#define RELAY_SANDBOX_INIT \
	{                  \
		.out = -1, \
	}

/* In the host's network, before the caller enters the sandbox's: a port that is taken fails here.
 * They end with the process of that pidfd. -1: with what relay_end_add() adds to s->in before it
 * serves, or else with the caller's process. All or nothing. */
int relay_sandbox_open(struct relay_sandbox *s, const struct relay_specs *publish,
		       const struct relay_specs *reach, int pidfd, struct err *e);

/* In the sandbox's network, with the addresses that relay_own_add() has added to s->in. When it
 * returns 0, both directions are served. */
int relay_sandbox_serve(struct relay_sandbox *s, const struct relay_specs *reach, struct err *e);

/* What serves goes on. What was only opened ends. */
void relay_sandbox_close(struct relay_sandbox *s);
