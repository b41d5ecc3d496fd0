/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what `vpnctl import` is given: files by name, directories, archives. All of them are
 * read into memory before anything is done with one, and nothing is written.
 */
#pragma once

#include "files/source_list.h"

/* The files of all paths, in their order, those of a directory by name. Refuses links and what is
 * not a file in a directory, two files of one name, and what is too much. *ret is the caller's to
 * free, and empty on failure. */
int sources_read(char *const *paths, size_t n, struct sources *ret, struct err *e);

struct tunnel;
/* The tunnel that a source describes; a file that others can read is warned of. *t is the caller's
 * to free; empty on failure, with FILE:LINE: in the sentence. */
int source_parse(const struct source *s, struct tunnel *t, struct err *e);
