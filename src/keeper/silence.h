/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the far end of a tunnel answers, told from what WireGuard counts. Pure.
 *
 * Theory. Without a session, all that goes out is the first message of a handshake, 148 bytes,
 * again every 5 s for 90 s. With one, whoever gets data answers within 10 s, if by an empty packet;
 * only the empty packet, 32 bytes, is never answered, and only the user's own keepalive sends it
 * without an end. After 15 s without an answer, handshakes begin anew. A session ends at 180 s. So
 * what goes out and is more than keepalives asks for an answer, and an idle tunnel says nothing of
 * its far end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tunnel/tunnel_dev.h"

#define SILENCE_SESSION_S  180	 /* WireGuard's REJECT_AFTER_TIME */
#define SILENCE_INITIATION 148	 /* bytes */
#define SILENCE_DEAD_MS	   8000	 /* without a session: a second try has not been answered, either */
#define SILENCE_SESSION_MS 30000 /* with one: data, and then handshakes, have not been answered */

enum silence_state {
	SILENCE_NONE,	 /* it answers, or nothing was asked */
	SILENCE_WAITING, /* something went out that asks for an answer */
	SILENCE_DEAD,
};

struct silence {
	bool begun;
	bool had_session;
	bool dead; /* until something comes */
	uint64_t rx;
	uint64_t tx;	  /* when something came last, or the session ended */
	uint64_t last_tx; /* at the last look: less now, and the tunnel was set up anew */
	int64_t heard_ms; /* when something came last, as far as was seen */
	int64_t since_ms; /* when something was seen to have gone out since; 0: nothing has */
};

/* Takes a look. A silence starts zeroed; now_ms is not 0 and never runs back. */
enum silence_state silence_look(struct silence *q, const struct tunnel_stats *st, int64_t now_ms);
