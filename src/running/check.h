/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a command would hand its work over to an instance that runs outside of where it will be.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "running/holder.h"

/* What the user should know, or be kept from, although the command may run. */
struct running_state {
	bool gecko;    /* one of Gecko's programs runs outside: inside, none may hand over */
	bool chromium; /* a browser of Chromium's does, and the command is none: inside, a later
			* one must not take the data of the one outside */
	unsigned int handovers; /* for running_handovers_shut() */
	char note[160];		/* for a shell: what runs outside; "": nothing */
	char i386[200];		/* the 32-bit program that the command leads to; "": none */
};

/* -EBUSY, -EPERM and a sentence: the command must not run as it is. argv NULL: a shell, which may
 * start anything. want_note: also look for what costs more to find. */
int running_check(char *const *argv, const struct running_where *w, bool want_note,
		  struct running_state *ret, struct err *e);
