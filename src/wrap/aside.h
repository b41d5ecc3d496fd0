/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that wrap makes, perhaps in the place of somebody's own. Each bears a mark with the
 * program's name and a digest, so that what somebody has changed since is known. What was there
 * before lies beside it as "PATH.unwrapped", the very file; nothing that is not wrap's is lost.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"

enum wrap_whose {
	WRAP_NOBODYS, /* there is none */
	WRAP_OURS,
	WRAP_EDITED, /* made by wrap for this program, and changed since */
	WRAP_OTHERS,
};

#define WRAP_TEXT_MAX  (1024 * 1024)
#define WRAP_MARK_SIZE 300

/* The mark of a program's files, with room for the digest. */
void wrap_mark(const char *program, char ret[WRAP_MARK_SIZE]);

/* Writes the digest into the mark of a text. */
void wrap_seal(char *text, const char *mark);

/* Reads what somebody may have put there. 1, and the caller's to free; 0: nothing that anybody
 * could use, since it is not there, is not a file, is too large or is not the user's to read;
 * -errno and a sentence where that is not known: what was overlooked would start the program, or be
 * lost. */
int wrap_read(const char *path, char **ret, struct err *e);

int wrap_whose_is(const char *path, const char *mark, enum wrap_whose *ret, struct err *e);

/* Finds what comes back when the wrap is taken away: "PATH.unwrapped". 1; 0: nothing does. */
int wrap_find_aside(const char *path, char *ret, size_t size, struct err *e);

/* Whether a file could be written there, as far as can be seen: a sentence if not. */
int wrap_can_put(const char *path, struct err *e);

/* Puts the sealed text there; what is somebody else's goes aside before. Killed anywhere, either
 * the old or the new is there, and wrap_take_back() knows which. */
int wrap_put(const char *path, const char *text, mode_t mode, const char *mark, struct err *e);

/* 1: undone; 0: there was nothing of wrap's. What was changed since stays, and is said. */
int wrap_take_back(const char *path, const char *mark, struct err *e);
