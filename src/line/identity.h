/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user that the command runs as.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "line/options.h"

/* Root becomes o->user; under sudo, without --as-root, the user who called it. For good. *ret_sudo:
 * whether it was sudo's caller. Otherwise does nothing. */
int line_become(const struct line_options *o, bool *ret_sudo, struct err *e);

/* $SHELL, or the user's of /etc/passwd, or /bin/sh. Never NULL; static or the environment's. */
const char *line_shell(void);
