/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every unix socket with a path that somebody outside listens on: a program outside would act for
 * whoever connects. In a sandbox each gets a dead socket over it, but for those of the session's
 * allow-list.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "session/others.h"
#include "session/session.h"

struct listener {
	size_t name; /* offset in text */
	uint32_t ino;
	bool gone;	  /* it is not, or not only, at that name */
	bool found;	  /* by its inode */
	unsigned char up; /* how far above its directory it is looked for next */
};

struct listeners {
	struct listener *at;
	size_t n, room;
	char *text;
	size_t len, text_room;
	bool some_relative;
	const char *const
		*hidden; /* directories that a sandbox has not, each with a '/', then NULL */
};
#define LISTENERS_INIT     \
	{                  \
		.at = NULL \
	}

/* Lists those of the caller's network namespace, and of the user's others, that do not lie in
 * ret->hidden, by absolute names: before it leaves the host's namespaces. */
int listeners_list(struct listeners *ret, const struct others *others, struct err *e);
void listeners_free(struct listeners *l);

/* Reads the text of a /proc/net/unix, which is all that a kernel without sock_diag has. Pure. */
int listeners_parse(char *text, struct listeners *ret);

struct listeners_allowed {
	const struct session *session; /* entered and mounted */
	unsigned int classes;	       /* bits of enum session_class: what of the desktop's stays */
	const char *const *paths;      /* absolute: these, and what is below them, stay */
	size_t n_paths;
	const char *home; /* NULL: unknown */
};

/* Must be called in the sandbox's mount namespace, when all else is mounted. *ret_dead: how
 * many. */
int listeners_cover(struct listeners *l, const struct listeners_allowed *allowed, size_t *ret_dead,
		    struct err *e);
