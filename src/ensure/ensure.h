/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs over a list of want/: one row a kind. The kernel is asked once for all that there is of
 * each kind, and every object is compared as a whole. Root, as it enters the namespace concerned.
 */
#pragma once

#include "base/err.h"
#include "state/record.h"
#include "want/want.h"

/* sentence: "the address 10.20.1.1/24 of br-demo is missing". */
typedef void (*ensure_fn)(const struct want *w, const char *sentence, void *arg);

/* Calls fn (may be NULL) for each object that is missing or altered where ns_fd is (-1: here).
 * Returns how many; changes nothing. */
int ensure_missing(const struct want_list *l, int ns_fd, ensure_fn fn, void *arg, struct err *e);

/* Holds what is the caller's to do. Each may be NULL where the list has none. */
struct ensure_by {
	/* Makes a table of the firewall: always, as what its text says may have changed. A table
	 * that came with the one before is nothing to do. Returns 0 also where a kernel that cannot
	 * goes without (WANT_IF_KNOWN). */
	int (*table)(const struct want *w, void *arg, struct err *e);
	/* Does an act, or undoes it. */
	int (*act)(const struct want_act *a, bool undo, void *arg, struct err *e);
	void *arg;
};

/* Makes all of the list in its order, as far as it is not there already. Stops at the first that
 * fails. by may be NULL where the list has neither tables nor acts. Files are not made here. */
int ensure_make(const struct want_list *l, int ns_fd, const struct ensure_by *by, struct err *e);

/* Takes away all of the list, in reverse. Rules go by their number, whatever they say. What is not
 * there is no error; what is of a device that is in the list goes with it. */
int ensure_remove(const struct want_list *l, int ns_fd, const struct ensure_by *by, struct err *e);

/* How one list takes the place of another; see ensure/replace.c. */
struct ensure_change {
	const char *ledger;	     /* the name of its file, see ensure/made.h */
	const struct record *record; /* whose it is; may be NULL */
	int ns_fd;		     /* -1: here */
	struct ensure_by by;
	/* Is called when all of the new list stands and nothing of the old has gone: from here on
	 * there is no way back. May be NULL. */
	int (*commit)(void *arg, struct err *e);
};

/* Makes all of `wanted`, then takes away what of `had` it does not have; either may be empty. At no
 * moment is there less than one of the two. Of a run that fails or is killed, the ledger names all
 * that may be there: to go back is the same with the lists exchanged. *ret_done (may be NULL):
 * whether it was committed. Seals `wanted`. */
int ensure_replace(const struct ensure_change *c, const struct want_list *had,
		   struct want_list *wanted, bool *ret_done, struct err *e);

/* For a list that was just made: notes what the kernel lists of each of its firewall's tables, and
 * takes out what this kernel does not know. */
int ensure_seal(struct want_list *l, int ns_fd, struct err *e);
