/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VPN of many servers whose server is silent: when another is asked, and when the one that its
 * owner wants is asked again. What does so is `vpnctl failover`, a process of its own, since the
 * switch may have to end the keeper. Whoever is asked is asked beside the tunnel (keeper/ask.h):
 * nobody inside notices before there is one that answers.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "keeper/helper.h"
#include "keeper/silence.h"

/* A far end that gets data answers within 10 s, if by an empty packet: after that, something was
 * lost. */
#define FAILOVER_SESSION_MS 12000
#define FAILOVER_LOOK_MS    5000  /* who has others to ask looks more often */
#define FAILOVER_MS	    10000 /* until they are asked again, and then twice as long each time */
#define FAILOVER_MAX_MS	    300000  /* at most */
#define FAILOVER_HOME_MS    120000  /* until the one that is wanted is asked for the first time */
#define FAILOVER_HOME_MAX   3600000 /* and at most, for one that is left soon each time */

enum failover_what { FAILOVER_NONE, FAILOVER_NEXT, FAILOVER_HOME };

/* Zeroed, it knows nothing yet. */
struct failover {
	bool applies;		   /* there are several servers, and they may be changed */
	bool seen, was_home;	   /* at the last look */
	unsigned int rounds;	   /* that nobody answered */
	int64_t at_ms;		   /* when others are asked; 0: the one in use is not silent */
	int64_t home_ms;	   /* when the one that is wanted is asked; 0: it is in use */
	int64_t since_ms;	   /* when it came into use last */
	unsigned int soon;	   /* how often it was left soon after, in a row */
	struct keep_helper helper; /* who asks others */
};

/* Says what is due. Pure but for f; s is what silence_look() said of q. */
enum failover_what failover_judge(struct failover *f, enum silence_state s, const struct silence *q,
				  bool is_home, int64_t now_ms);

/* Looks whether that VPN has several servers, and starts what is due. While there is a helper,
 * nobody else may change the tunnel's peers. */
void failover_look(struct failover *f, const char *name, const struct silence *q,
		   enum silence_state s);
/* True: it has just ended. */
bool failover_wake(struct failover *f);
void failover_close(struct failover *f); /* what is under way goes on */
