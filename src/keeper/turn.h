/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides which address of an endpoint's name is tried when the one in use is silent, and when.
 * Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keeper/silence.h"
#include "tunnel/resolve.h"

#define TURN_FIRST_MS 3000   /* before WireGuard's own second try, which then goes to the next */
#define TURN_MS	      5000   /* WireGuard tries again as often */
#define TURN_MAX_MS   300000 /* between two tries, once all addresses were silent several times */

struct turn {
	union wg_endpoint tried[ENDPOINT_OTHERS]; /* in this round; none of them answered */
	size_t n_tried;
	unsigned int rounds; /* that all of them were silent */
	int64_t at_ms;	     /* when the next is due; 0: nobody is silent */
};

/* Called after each look: true if another address is due now, in which case the one in use is noted
 * as tried, and the next is due only after a while. session: one that was agreed on may still
 * live. */
bool turn_is_due(struct turn *t, enum silence_state s, bool session,
		 const union wg_endpoint *current, int64_t now_ms);
/* There was no other than the one in use, or all have been tried: it is asked less often. */
void turn_round(struct turn *t, int64_t now_ms);

/* Chooses which of all[n] to take: the first that was not tried, else the one behind the current; n
 * where there is no other. *ret_round: all have had their turn. */
size_t turn_choose(const struct turn *t, const union wg_endpoint *all, size_t n,
		   const union wg_endpoint *current, bool *ret_round);
