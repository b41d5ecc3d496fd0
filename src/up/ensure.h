/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs over a list of want/: one row a kind. The kernel is asked once for all that there is of
 * each kind, and every object is compared as a whole. Root, as it enters the namespace concerned.
 */
#pragma once

#include "base/err.h"
#include "want/want.h"

/* sentence: "the address 10.20.1.1/24 of br-demo is missing". */
typedef void (*ensure_fn)(const struct want *w, const char *sentence, void *arg);

/* Calls fn (may be NULL) for each object that is missing or altered where ns_fd is (-1: here).
 * Returns how many; changes nothing. */
int ensure_missing(const struct want_list *l, int ns_fd, ensure_fn fn, void *arg, struct err *e);

/* For a list that was just made: notes what the kernel lists of each of its firewall's tables, and
 * takes out what this kernel does not know. */
int ensure_seal(struct want_list *l, int ns_fd, struct err *e);
