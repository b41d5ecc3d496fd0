/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VPN_CONFIG_DIR for whoever changes it: one at a time, each file whole or not at all, and what is
 * somebody else's or a link is left alone. Needs root.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct confdir {
	int fd, lock; /* -1: not open */
	bool created; /* by confdir_open() */
};
#define CONFDIR_INIT          \
	{                     \
		-1, -1, false \
	}

/* Makes it if it is not there, and waits for others who change it. It must be root's alone. */
int confdir_open(struct confdir *d, struct err *e);
/* failed: a directory that was made for this goes again, if it is empty. */
void confdir_close(struct confdir *d, bool failed);

/* A new file: -EEXIST if there is one, link or not; no sentence. */
int confdir_put(const struct confdir *d, const char *name, const void *data, size_t len,
		mode_t mode);
/* Whether there is a file of that name with these very bytes that only root can read: what an
 * import that was killed left behind, and the next one may take over. */
bool confdir_is_leftover(const struct confdir *d, const char *name, const char *text, size_t len);
struct conf_text;
/* All of a file that is no link: the caller's to wipe and free. */
int confdir_read(const struct confdir *d, const char *name, struct conf_text *ret);
/* 1: there is a file of that name, or a link; 0: there is none; else it cannot be told. */
int confdir_has(const struct confdir *d, const char *name);
int confdir_remove(const struct confdir *d, const char *name);
/* The same in the place of what is there. */
int confdir_swap(const struct confdir *d, const char *name, const void *data, size_t len,
		 mode_t mode);
/* A second name for a file, and whether two names are those of one file. */
int confdir_link(const struct confdir *d, const char *name, const char *other);
bool confdir_is_same(const struct confdir *d, const char *name, const char *other);
int confdir_rename(const struct confdir *d, const char *from, const char *to); /* -EEXIST */

/* A directory of its own for many files: begun under a name that is nobody's, where ret takes files
 * as d does, and given its name when all are in it; -EEXIST. One that was begun and never ended
 * goes with the next change. */
int confdir_begin_dir(const struct confdir *d, struct confdir *ret);
int confdir_end_dir(const struct confdir *d, struct confdir *begun, const char *name);
/* The same in the place of one that there is, which is what was begun from then on; again, and it
 * is back. */
int confdir_swap_dir(const struct confdir *d, struct confdir *begun, const char *name);
/* Takes a directory out of the way, to where it goes with the next change if this one does not end;
 * and back. */
int confdir_set_aside(const struct confdir *d, const char *name);
int confdir_put_back(const struct confdir *d, const char *name);
/* Removes what was set aside, for good. */
void confdir_drop_aside(const struct confdir *d);
/* With the files in it; what is a directory there stays, and so does it. */
void confdir_remove_dir(const struct confdir *d, const char *name);
