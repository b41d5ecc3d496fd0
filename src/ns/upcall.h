/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems whose lookups are carried out by somebody in the host's network.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct upcall_view {
	bool strict;	  /* also those that fetch from one place of their own, like sshfs */
	const char *cwd;  /* NULL: unknown; what holds it stays where only strict hides it */
	const char *home; /* likewise */
	const char *const *allow; /* absolute paths that stay */
	size_t n_allow;
};

/* Covers them by empty, read-only directories in the caller's own mount namespace; what was mounted
 * below one of them already (a home of an automounted /home) stays in its place. Opens nothing that
 * would start a lookup. *ret_covered: how many, so that the caller can enter its working directory
 * anew. */
int ns_upcall_cover(const struct upcall_view *v, size_t *ret_covered, struct err *e);

/* Each one that is hidden by default, and with in_run those that are hidden with /run; has_below:
 * something is mounted below it. */
int ns_upcall_for_each(bool in_run, void (*each)(const char *path, bool has_below, void *arg),
		       void *arg, struct err *e);

/* Whether a file system of that type, as /proc/self/mountinfo names it, is of the kind. Pure. */
bool ns_upcall_is_type(const char *type, bool strict);
