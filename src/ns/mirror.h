/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories rebuilt entry by entry, out of bind mounts.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* Makes dst show what src is: a symbolic link is made anew, all else (with what is mounted below)
 * is bound to a place made for it. Parents of dst must exist. -ENOENT: no src. */
int mirror_entry(const char *src, const char *dst, struct err *e);

/* mirror_entry() of every name in src whose skip(name, arg) is false. An entry that cannot be bound
 * is left out: only what is there can be a way out. */
int mirror_dir(const char *src, const char *dst, bool (*skip)(const char *name, void *arg),
	       void *arg, struct err *e);

/* mkdir -p of what stands before the last '/' of path. */
int mirror_make_parents(const char *path, struct err *e);
