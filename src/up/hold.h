/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts who holds a VPN's namespace: cables, and processes that live in it. Counts only; who they
 * are is up/inside.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct hold {
	unsigned int leases;
	unsigned int processes;
};

/* The outcome of taking a VPN down. */
struct down_report {
	bool was_there; /* there was anything to take down */
	bool kept;	/* the namespace stays, closed, for those inside */
	bool held;	/* and for those who come */
	unsigned int leases, processes;
};

int hold_count(int ns_fd, struct hold *ret, struct err *e); /* root */
