/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps a tunnel usable while the world around it changes: an endpoint's name that points elsewhere
 * by now, an uplink that comes, goes or carries smaller packets, a machine that has slept. Holds
 * nothing that is needed: whoever has a keeper may be killed at any time. The caller is where
 * the tunnel's encrypted socket is, and polls.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "keeper/failover.h"
#include "keeper/heal.h"
#include "keeper/helper.h"
#include "keeper/silence.h"
#include "keeper/turn.h"
#include "tunnel/tunnel_dev.h"

struct keeper {
	const char *name;
	bool userspace;
	int event_fd;	  /* tells of links, addresses and routes */
	int units_fd;	  /* of what the default leaves out; -1: nothing */
	int64_t look_at;  /* CLOCK_MONOTONIC, ms */
	int64_t event_at; /* when what changed will have settled; 0: nothing did */
	int64_t asleep_ms;
	bool seen; /* what follows is of an earlier look */
	int oif;   /* by which the endpoint is reached; 0: not at all */
	uint32_t path;
	struct silence silence;
	enum silence_state heard; /* at the last look */
	struct turn turn;
	union wg_endpoint peer;	      /* where it was at the last look */
	char left[ENDPOINT_TEXT_LEN]; /* where it was before that, and got no answer */
	int64_t silent_ms;	      /* CLOCK_BOOTTIME; 0: it is not silent */
	struct keep_helper helper;    /* who looks names up */
	struct failover failover;
	struct healer healer;
	bool due, heal_due; /* what woke it */
	bool tried_default; /* at the last look, and it was not repaired yet */
	bool wants_fresh; /* only a wireguard-go that is started anew may have the next endpoint */
};

#define KEEPER_FDS (4 + HEALER_FDS)

int keeper_open(struct keeper *k, const char *name, bool userspace, struct err *e);
void keeper_close(struct keeper *k); /* accepts one that failed to open */

/* Tells what to wait for, and how long at most. */
void keeper_poll(const struct keeper *k, struct pollfd ret[KEEPER_FDS], int *ret_timeout_ms);
/* Called after each wait: takes what there is to read. True: keeper_look() is due. */
bool keeper_wake(struct keeper *k);
/* Looks at the tunnel in that namespace, writes down what it saw (state/health.h), and starts a
 * short-lived process if something is to be done. told: look endpoints up anew whatever the tunnel
 * says. Never blocks on DNS. */
void keeper_look(struct keeper *k, int vpn_netns_fd, bool told);

/* For a wireguard-go that is started because of wants_fresh: of several addresses in the set, the
 * one whose turn it is. */
void keeper_choose(struct keeper *k, struct endpoint_set *es);

/* The tunnel was set up anew: what was seen of it before says nothing. */
void keeper_forget(struct keeper *k);

/* Instead, where the namespace cannot be looked into. */
void keeper_defer(struct keeper *k);
