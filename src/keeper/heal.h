/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sees that something of a VPN was taken away or altered by somebody else, and has it restored: the
 * supervisor's part of the one list. It compares and says; what restores is `vpnctl revive`, a
 * process of its own, since an `up` may have to end this one.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "keeper/helper.h"
#include "nl/sock.h"

/* Made by root: nothing is restored while it is there. */
#define HEAL_OFF "/run/vpnrun/no-repair"

struct healer {
	const char *name;
	struct nl_sock route, nft;
	int64_t due_at; /* CLOCK_MONOTONIC, ms: when to look next */
	int64_t not_before;
	struct keep_helper helper; /* who restores */
	unsigned int failures;	   /* in a row */
	char why[200];		   /* the first that was missing at the last look; "": none */
};

#define HEALER_FDS 3

/* Listens from the caller's own namespace, and keeps no other alive. One that could not be opened
 * looks from time to time. */
int healer_open(struct healer *h, const char *name, struct err *e);
void healer_close(struct healer *h); /* who restores goes on */

void healer_poll(const struct healer *h, struct pollfd ret[HEALER_FDS], int *ret_timeout_ms);
/* Takes what there is to read, after each wait. True: healer_look() is due. */
bool healer_wake(struct healer *h);
/* Compares all that the VPN consists of with what there is. It logs. */
void healer_look(struct healer *h, int vpn_netns_fd);
/* As soon as possible: something has changed that no object tells of. */
void healer_hurry(struct healer *h);
/* Instead, where the tunnel is just being started anew. */
void healer_defer(struct healer *h);
