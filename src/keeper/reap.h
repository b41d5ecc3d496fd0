/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sees cables end and has their connections forgotten: the supervisor's part of what makes a lease.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "nl/sock.h"
#include "wall/flows.h"

struct reaper {
	const char *name;
	struct nl_sock events;	/* of links that are gone */
	int64_t due_at;		/* CLOCK_MONOTONIC, ms; 0: nothing to do */
	struct lease_pool pool; /* id 0: not known yet */
	uint8_t gone[FLOWS_HOSTS];
};

/* Listens from the caller's own namespace, and does not keep the VPN's alive. One that could not be
 * opened looks from time to time. */
int reaper_open(struct reaper *r, const char *name, int vpn_netns_fd, struct err *e);
void reaper_close(struct reaper *r);

/* Tells what to wait for, and how long at most; -1: no matter how long. */
void reaper_poll(const struct reaper *r, struct pollfd *ret, int *ret_timeout_ms);
/* Called after each wait: takes what there is to read. True: reaper_run() is due. */
bool reaper_wake(struct reaper *r);
void reaper_run(struct reaper *r, int vpn_netns_fd);
