/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VPN that is up goes on by another of its servers: what `switch` and `failover` share.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "conf/model.h"

/* Whether the tunnel has that very far end already, with the same key: it cannot be asked beside
 * it. */
bool switch_is_same_far(const struct profile *a, const struct profile *b);

/* Makes the one list take the place of the other, waits for the new server, and where that fails,
 * or it does not answer, goes back to `old`, which is what was applied. The machine's default
 * follows. note as of vpn_up(). 1: it is not up any more, or somebody has switched it meanwhile,
 * and it was left alone. -ETIMEDOUT: there was no answer. */
int switch_to(const struct profile *p, const struct profile *old, struct err *note, struct err *e);
