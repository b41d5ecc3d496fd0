/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that `vpnctl import` is given, as they lie in memory, and how many there may be. Their
 * texts may hold keys: sources_free() wipes them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define SOURCES_MAX	  2000u	      /* files in all, and entries of one directory or archive */
#define SOURCE_NAME_MAX	  255u	      /* bytes of a file's name */
#define SOURCES_BYTES_MAX (16u << 20) /* of all texts, and of one archive */

struct source {
	char *path;	  /* for messages: as given, or DIR/NAME, or ZIP/NAME */
	const char *name; /* the last part of path, which a VPN is called after */
	char *text;	  /* with a NUL behind it */
	size_t len;
	mode_t mode; /* of the file; 0: it is not one by itself */
};

struct sources {
	struct source *at;
	size_t n, bytes;
	char **notes; /* what was left out: whole sentences */
	size_t n_notes;
};

void sources_free(struct sources *s);

/* Whether a directory's or an archive's file of that name is taken: what clients of VPNs call
 * theirs. Whether it is WireGuard's, its text says. */
bool source_is_wanted(const char *name);

/* Adds one with what's text, len and mode; dir may be NULL. Takes the text, also where it fails. */
int sources_add(struct sources *s, const char *dir, const char *name, const struct source *what,
		struct err *e);

/* What of a directory or an archive is not taken; the first one is named in a note. */
struct left_out {
	char first[SOURCE_NAME_MAX + 1];
	size_t n;
};
void left_out_add(struct left_out *l, const char *name);
/* Refuses a place of which nothing was taken, n of it. */
int sources_end_place(struct sources *s, const char *place, size_t n, const struct left_out *l,
		      struct err *e);
