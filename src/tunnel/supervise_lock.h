/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor and those who start and end it share this.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* RUN_DIR/NAME.WHAT; WHAT is "supervisor" (the lock) or "log". */
int supervise_path(const char *name, const char *what, char *ret, size_t size, struct err *e);

/* Tells the supervisor that the device has been set up, so that wireguard-go learns it now and not
 * at its next look. */
int supervise_nudge(const char *name, struct err *e);
