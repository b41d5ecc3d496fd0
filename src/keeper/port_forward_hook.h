/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user's program that is told of the forwarded port. See port_forward.h.
 */
#pragma once

#include "keeper/port_forward.h"

/* With f->ports as arguments; after the one that runs, if one does. */
void forward_hook_run(struct forwarder *f);
/* Reaps it, by force if it has not ended. */
void forward_hook_end(struct forwarder *f, bool again);
