/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See silence.h. Must never take a tunnel that is idle, or that sends only keepalives, for dead: a
 * user would be told a lie, and an address that works would be left.
 */
#include "keeper/silence.h"

#define KEEPALIVE_BYTES 32

static bool has_session(const struct tunnel_stats *st)
{
	return st->handshake_age_s >= 0 && st->handshake_age_s <= SILENCE_SESSION_S;
}

/* How much may have gone out since something came last without asking for an answer. */
static uint64_t may_go_unanswered(const struct silence *q, const struct tunnel_stats *st,
				  int64_t now_ms)
{
	uint64_t n = 2;

	if (st->keepalive)
		n += (uint64_t)(now_ms - q->heard_ms) / (1000u * st->keepalive);
	return n * KEEPALIVE_BYTES;
}

static void begin(struct silence *q, const struct tunnel_stats *st, int64_t now_ms)
{
	/* Of a device that is new, all that went out is unanswered. */
	bool is_new = st->handshake_age_s < 0 && st->rx == 0;

	*q = (struct silence){
		.begun = true,
		.had_session = has_session(st),
		.rx = st->rx,
		.tx = is_new ? 0 : st->tx,
		.heard_ms = now_ms,
	};
}

enum silence_state silence_look(struct silence *q, const struct tunnel_stats *st, int64_t now_ms)
{
	uint64_t sent;

	if (!q->begun || st->rx != q->rx || st->tx < q->last_tx)
		begin(q, st, now_ms);
	q->last_tx = st->tx;
	/* What the session carried is another matter than what asks for a new one. */
	if (q->had_session && !has_session(st) && !q->dead) {
		q->tx = st->tx;
		q->since_ms = 0;
	}
	q->had_session = has_session(st);
	sent = st->tx - q->tx;
	if (q->dead)
		return SILENCE_DEAD;
	if (sent == 0)
		return SILENCE_NONE;
	if (q->had_session ? sent <= may_go_unanswered(q, st, now_ms) : sent < SILENCE_INITIATION)
		return SILENCE_NONE;
	if (!q->since_ms)
		q->since_ms = now_ms;
	q->dead = now_ms - q->since_ms >= (q->had_session ? SILENCE_SESSION_MS : SILENCE_DEAD_MS) &&
		  (q->had_session || sent >= 2 * SILENCE_INITIATION);
	return q->dead ? SILENCE_DEAD : SILENCE_WAITING;
}
