/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See turn.h. A name that answers at one address only must not keep a tunnel waiting for the
 * others: IPv6 that is announced and broken is the commonest case. Called by keeper/keep.c.
 */
#include "keeper/turn.h"

static int64_t wait_ms(const struct turn *t)
{
	int64_t ms = TURN_MS;

	for (unsigned int i = 0; i < t->rounds && ms < TURN_MAX_MS; i++)
		ms *= 2;
	return ms < TURN_MAX_MS ? ms : TURN_MAX_MS;
}

static bool is_tried(const struct turn *t, const union wg_endpoint *ep)
{
	for (size_t i = 0; i < t->n_tried; i++)
		if (endpoint_is_same(&t->tried[i], ep))
			return true;
	return false;
}

bool turn_is_due(struct turn *t, enum silence_state s, bool session,
		 const union wg_endpoint *current, int64_t now_ms)
{
	if (s == SILENCE_NONE) {
		*t = (struct turn){0};
		return false;
	}
	if (session && s == SILENCE_WAITING)
		return false;
	if (!t->at_ms)
		t->at_ms = now_ms + (s == SILENCE_DEAD ? 0 : TURN_FIRST_MS);
	if (now_ms < t->at_ms)
		return false;
	if (current->family && t->n_tried < ENDPOINT_OTHERS && !is_tried(t, current))
		t->tried[t->n_tried++] = *current;
	t->at_ms = now_ms + wait_ms(t);
	return true;
}

void turn_round(struct turn *t, int64_t now_ms)
{
	t->rounds++;
	t->n_tried = 0;
	t->at_ms = now_ms + wait_ms(t);
}

size_t turn_choose(const struct turn *t, const union wg_endpoint *all, size_t n,
		   const union wg_endpoint *current, bool *ret_round)
{
	*ret_round = false;
	for (size_t i = 0; i < n; i++)
		if (!is_tried(t, &all[i]) && !endpoint_is_same(&all[i], current))
			return i;
	*ret_round = true;
	for (size_t i = 0; i < n; i++)
		if (endpoint_is_same(&all[i], current))
			return n > 1 ? (i + 1) % n : n;
	return 0; /* the name leads elsewhere by now */
}
