/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that ask another instance of themselves to do their work by the properties of X11's
 * windows, around which there is no wall.
 */
#pragma once

#include "running/command.h"
#include "running/holder.h"

/* The instance outside that the program's line would hand its work over to, 0: none, or the line
 * does not ask for that. */
pid_t running_remote(const struct running_program *p, const struct running_where *w);
