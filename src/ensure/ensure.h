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

/* Who makes a table of the firewall: always, as what its text says may have changed. A table that
 * came with the one before is nothing to do. Returns 0 also where a kernel that cannot goes without
 * (WANT_IF_KNOWN). */
struct ensure_by {
	int (*table)(const struct want *w, void *arg, struct err *e);
	void *arg;
};

/* Makes all of the list in its order, as far as it is not there already. Stops at the first that
 * fails. by may be NULL where the list has no table. */
int ensure_make(const struct want_list *l, int ns_fd, const struct ensure_by *by, struct err *e);

/* Takes away all of the list: the devices first, as without them there is nobody left to keep in,
 * then the rest in reverse. Rules go by their number, whatever they say. What is not there is no
 * error; settings, addresses and neighbours go with their devices, and are passed over. */
int ensure_remove(const struct want_list *l, int ns_fd, struct err *e);

/* For a list that was just made: notes what the kernel lists of each of its firewall's tables, and
 * takes out what this kernel does not know. */
int ensure_seal(struct want_list *l, int ns_fd, struct err *e);
