/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A user namespace of one's own, and entering one that exists.
 */
#pragma once

#include "base/err.h"

/* Leaves for a new user namespace and, in the same call, those of flags (CLONE_NEWNS,
 * CLONE_NEWNET); the caller's uid and gid stay what they are, no other exists there. Where that is
 * forbidden, e says by what and what to do. Irrevocable. */
int ns_userns_enter(int flags, struct err *e);

/* Enters the user, mount and network namespace of the process pid if they are a sandbox of the
 * caller's: refused if it is another's, gone, or not confined. Root enters without the user
 * namespace where the process has none of its own. */
int ns_userns_join(int pid, struct err *e);
