/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells who holds a lock, and whether that process is in another network than the command will be.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "state/record.h"

/* The network that the command will run in. */
struct running_where {
	const struct record *vpn; /* id 0: no network */
	pid_t with;		  /* in the sandbox of this process, 0: a new one */
	bool x11;		  /* it shares an X server with programs outside */
	bool outer_bus;		  /* and the session's bus */
};

#define HOLDER_UNSEEN (-1) /* somebody in another pid namespace */

/* 0: nobody holds the lock, or one who is where the command will be. */
pid_t holder_of_profile(const char *dir, const struct running_where *w);   /* Gecko's */
pid_t holder_of_singleton(const char *dir, const struct running_where *w); /* Chromium's */
pid_t holder_of_prefix(const char *dir, const struct running_where *w);	   /* Wine's */

bool holder_is_outside(pid_t pid, const struct running_where *w);

/* The executable of a process, without " (deleted)". */
bool holder_exe(pid_t pid, char *ret, size_t size);
