/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session is used by launches that said so over "control", and by what is left of them in their
 * networks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define USE_PROGRAMS_MAX 2048

/* Takes launches from the listening socket, by the loop. Those of the process ignore are the bus's
 * own. */
int use_begin(int control, struct err *e);
void use_ignore(pid_t pid);

/* Counts who use it; 0 only after what they left in their networks was looked for. */
size_t use_count(void);

/* Must be called before each turn of the loop: takes launches again that could not be taken for
 * want of descriptors. In how many milliseconds it has to be called again, -1: in none. */
int use_again(void);

/* Under the session's lock: takes "control" away, unless somebody has come meanwhile. True: nobody
 * can come any more. */
bool use_end(int dir);
