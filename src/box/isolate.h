/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The confinement of the broker's two programs, in force before the one accepts the first client
 * and the other reads the first request. In the order of the functions; each fails with a sentence,
 * and a failure ends the program.
 */
#pragma once

#include <linux/capability.h>
#include <linux/filter.h>
#include <stddef.h>

#include "base/err.h"

#define ISOLATE_USER "vpnrun"
#define ISOLATE_CAP  CAP_NET_ADMIN /* of the plugger, and its only one */

/* How many files either may have open. */
#define ISOLATE_FRONT_FILES 2048
#define ISOLATE_PLUG_FILES  64

/* Before anything is opened: descriptors 0 to 2 exist, stdin is /dev/null. */
int isolate_stdio(struct err *e);

/* Every descriptor above 2 but those of keep (-1: none) is closed. */
int isolate_fds(const int *keep, size_t n, struct err *e);
int isolate_limits(unsigned int n_files, struct err *e);

/* Root becomes ISOLATE_USER; no capability is left. */
int isolate_privileges(struct err *e);

/* In a child that executes the plugger next: root becomes ISOLATE_USER, and what is executed has
 * ISOLATE_CAP, which the caller must have, and no other. */
int isolate_for_plugger(struct err *e);

/* no_new_privs, not dumpable, and the system calls of the filter only. */
int isolate_lock(const struct sock_filter *filter, size_t n, struct err *e);
