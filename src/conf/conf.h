/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wg-quick files as providers hand them out. At least as tolerant as wg-quick(8) in form (CRLF, any
 * case, comma or space lists, '#' comments, repeated keys, a BOM, ';' lines), stricter than wg(8)
 * in values. Reads the one file and touches nothing else; resolves no name.
 */
#pragma once

#include <sys/types.h>

#include "conf/model.h"
#include "conf/value.h"

/* Parses text of len bytes (may hold NULs: refused); file is for messages only. On failure *t is
 * empty and e says "FILE:LINE: KEY: what is wrong". Keys never appear in e or in warnings. */
int conf_parse(const char *file, const char *text, size_t len, struct tunnel *t, struct err *e);

#define CONF_SIZE_MAX (1024u * 1024u)

/* Reads path (at most 1 MiB) and parses it; adds the warning that only the file itself can give:
 * readable by others. */
int conf_load(const char *path, struct tunnel *t, struct err *e);

/* The warning that only the file itself can give: others may read it. On failure *t is freed. */
int conf_warn_mode(const char *path, mode_t mode, struct tunnel *t, struct err *e);

/* The bytes of a file: the owner's to wipe and free. */
struct conf_text {
	char *at;
	size_t len;
};

/* The same for a file that is open already; its bytes go to ret (NULL: not wanted). */
int conf_load_fd(int fd, const char *path, struct tunnel *t, struct conf_text *ret, struct err *e);

/* Adds the warnings about a file's name: one that wg-quick(8) could not make an interface of, or
 * that is no VPN's name as it stands. */
int conf_warn_name(const char *path, struct tunnel *t);

/* Adds the warnings that need the whole tunnel: what is unreachable through it, and names that
 * will not resolve. No parser calls it, since a profile may change the DNS servers afterwards;
 * profile_load() does, and so do the commands that read a file alone. */
int tunnel_review(const char *file, struct tunnel *t);

/* A legal VPN name made from a file's name ("Proton NL-FREE#12.conf" -> "Proton-NL-FR-12": the
 * number stays): -EINVAL if nothing legal is left. With another turn it is another name, for whom
 * the first one is taken already. */
int conf_name_from_path(const char *path, char ret[NAME_MAX_LEN + 1]);
int conf_name_choose(const char *path, unsigned int turn, char ret[NAME_MAX_LEN + 1]);
/* Whether the file is called just that, with or without ".conf". */
bool conf_name_is_plain(const char *path, const char *name);
