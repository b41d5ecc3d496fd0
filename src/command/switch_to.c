/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See switch_to.h. Must never leave a VPN with a server that does not answer if the one before may.
 */
#include "command/switch_to.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/progress.h"
#include "base/util.h"
#include "default/default.h"
#include "ensure/applied.h"
#include "up/answer.h"
#include "up/apply.h"

/* WireGuard tries at once and after 5 s, and who is here has just answered. It is over before the
 * keeper takes it for silent. */
#define WAIT_MS 7000
#define LOOK_MS 10

bool switch_is_same_far(const struct profile *a, const struct profile *b)
{
	const struct tunnel *x = &a->tunnel, *y = &b->tunnel;

	if (memcmp(x->private_key, y->private_key, WG_KEY_LEN) != 0)
		return false;
	for (size_t i = 0; i < x->n_peers; i++)
		for (size_t k = 0; k < y->n_peers; k++)
			if (memcmp(x->peers[i].public_key, y->peers[k].public_key, WG_KEY_LEN) == 0)
				return true;
	return false;
}

static int wait_answer(const struct profile *p, struct err *e)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct far_answer a;
	int r = answer_begin(p, &a, e);

	progress_begin(&progress, WAIT_MS, "waiting for server %s of %s", p->server, p->name);

	while (r == 0 && a.state != ANSWER_NOBODY && a.state != ANSWER_YES &&
	       util_now_ms() - a.begun_ms < WAIT_MS) {
		answer_look(&a);
		if (a.state != ANSWER_YES)
			poll(NULL, 0, LOOK_MS);
	}
	if (r == 0 && a.state != ANSWER_NOBODY && a.state != ANSWER_YES)
		r = err_set(e, -ETIMEDOUT, "server %s of %s does not answer", p->server, p->name);
	answer_end(&a);
	return r;
}

/* The first error is the one that is told. */
static int go_back(const struct profile *p, const struct profile *old, int why, struct err *e)
{
	struct err failed = ERR_INIT;
	struct profile back = *old;

	back.instead_of = p->server;
	if (default_around(vpn_switch, &back, NULL, &failed) < 0)
		return err_hint(e, why, "and it cannot go back to %s: %s", old->server, failed.msg);
	return why;
}

int switch_to(const struct profile *p, const struct profile *old, struct err *note, struct err *e)
{
	struct profile to = *p;
	int r;

	to.instead_of = old->server;
	r = default_around(vpn_switch, &to, note, e);
	r = r ?: wait_answer(p, e);
	if (r < 0)
		return go_back(p, old, r, e);
	/* The server that answers may be somebody else's choice by now. */
	return r == 0 && !applied_is_by(p->name, p->server) ? 1 : r;
}
