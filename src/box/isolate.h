/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker's own confinement, in force before it accepts the first client. In the order of the
 * functions; each fails with a sentence, and a failure ends the program.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

#define ISOLATE_USER "vpnrun"

/* Before anything is opened: descriptors 0 to 2 exist, stdin is /dev/null. */
int isolate_stdio(struct err *e);

/* Every descriptor above 2 but those of keep (-1: none) is closed. */
int isolate_fds(const int *keep, size_t n, struct err *e);
int isolate_limits(struct err *e);

/* Root becomes ISOLATE_USER; of the capabilities CAP_NET_ADMIN alone stays. */
int isolate_privileges(struct err *e);

/* no_new_privs, not dumpable, and the system calls of policy/vpnrund.json only. */
int isolate_lock(struct err *e);
