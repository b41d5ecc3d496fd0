/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The relay: takes connections from sockets that listen in one network namespace and makes their
 * counterparts in the caller's own. It carries bytes and knows nothing else.
 */
#pragma once

#include "relay/ports.h"

#define RELAY_TARGETS_MAX 4

struct relay_target {
	int family;
	uint8_t addr[16];
};

struct relay {
	struct relay_ports ports;
	struct relay_target targets[RELAY_TARGETS_MAX]; /* tried in this order */
	size_t n_targets;
	int end_fd; /* readable: it may be over */
	/* NULL: then it is. Must not block, open or allocate anything. */
	bool (*is_over)(int end_fd);
};

/* The loopback addresses; more may follow. */
void relay_targets_loopback(struct relay *r);
void relay_targets_add(struct relay *r, int family, const void *addr);

/* Opens what the loop needs; r must stay where it is. One relay a process. */
int relay_prepare(const struct relay *r, struct err *e);

/* Gives up, for good, all that carrying bytes does not need: capabilities, being looked into, and
 * the system calls. */
int relay_confine(struct err *e);

/* Runs until it is over: 0, or why not. */
int relay_loop(struct err *e);

/* Starts it as a process that is nobody's child and ends with the caller's process, whatever that
 * executes. When this returns 0 it is confined and serves. With no listeners in r they come later,
 * by relay_stay_hand(). *ret_channel is the caller's to close. */
int relay_stay_start(const struct relay *r, int *ret_channel, struct err *e);
int relay_stay_hand(int channel, const struct relay_ports *p, struct err *e);
