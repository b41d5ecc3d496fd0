/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One row a kind of want/want.h: judge, make, remove. Between ensure/ensure and the files that have
 * the rows, in the namespace that was entered. Rules are rows of their own: all of one family and
 * priority together, since their order counts.
 */
#pragma once

#include "ensure/seen.h"
#include "want/want.h"

/* 1: it is missing or altered, and why ends the sentence that begins with its name ("is missing").
 * 0: it is as it has to be. */
int kind_missing(const struct want *w, struct net_seen *s, char *why, size_t size, struct err *e);

/* Makes it as it has to be, whatever of it is there. What is somebody else's is never replaced:
 * -EEXIST and a sentence. Tables and files are not made here. */
int kind_make(const struct want *w, struct net_seen *s, struct err *e);

/* Takes it away; a setting that is not ours is given back as it was. What is not there is not an
 * error, and what has no meaning without the rest (a neighbour, a file that somebody else writes)
 * is passed over. */
int kind_remove(const struct want *w, struct net_seen *s, struct err *e);

/* Counts how many of the list from first on are rules of one family and priority. */
size_t rules_count(const struct want_list *l, size_t first);
/* Calls fn with each of the n that is not there; if all are, but in another order or with others
 * among them, with the first. */
int rules_missing(const struct want *first, size_t n, struct net_seen *s,
		  void (*fn)(const struct want *w, const char *why, void *arg), void *arg,
		  struct err *e);
/* The new ones behind the old, then the old away: at no moment is there none. */
int rules_make(const struct want *first, size_t n, struct net_seen *s, struct err *e);
/* Those of a lower number are deleted first. */
int rules_delete_order(const struct rtnl_rule *r);
/* Takes away all of that family and priority. */
int rules_remove(const struct rtnl_rule *r, struct nl_sock *s, struct err *e);
