/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether what comes from a bridge of the layout "bridge" gets into its tunnel: Docker, ufw,
 * firewalld and others forbid a host to forward what they do not know, and programs inside hang.
 * Seen with a packet of our own, which goes the way of a sandbox's up to the tunnel and no further.
 */
#pragma once

#include "base/err.h"
#include "state/record.h"

/* 0: it does, or that cannot be told (no free lease, another look is under way). -EHOSTUNREACH and
 * a sentence: it does not, whose chain is in the way, and the commands that mend it. Root, in the
 * host's namespace; takes some milliseconds, and a second where nothing passes. */
int passage_judge(const struct record *r, struct err *e);
