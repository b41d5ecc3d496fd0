/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that find the instance that runs by the process number in a file, and hand over by a
 * signal, or by a file or pipe that it reads. No socket and no lock of the kernel's is part of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "running/command.h"
#include "running/holder.h"
#include "running/places.h"

/* The instance outside that would do the program's work, and what that is; 0: there is none. */
pid_t running_handover(const struct running_program *p, const struct places *places,
		       const struct running_where *w, const char **ret_word);

/* One bit for each of those programs of which an instance runs outside. */
unsigned int running_handovers(const struct places *places, const struct running_where *w);

/* Makes handing over to those impossible, in the caller's mount namespace, whoever tries. */
int running_handovers_shut(unsigned int which, struct err *e);
