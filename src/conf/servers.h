/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The servers of a VPN that has many: a directory ("servers" of NAME.json) with a provider's file
 * SERVER.conf for each, and a link, `chosen`, to the one that its owner wants. It lies beside the
 * files, in /etc, since it is a setting like they are: a restart of the machine keeps it, and who
 * looks into the directory sees it. Names are everybody's to see; the files are root's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/vpn.h"

#define SERVERS_CHOSEN "chosen" /* a link in the directory: which one its owner wants */
#define SERVERS_MAX    4096

/* They say which, and are nobody's name. */
#define SERVER_NEXT   "next"
#define SERVER_RANDOM "random"

/* 1 to SERVER_MAX_LEN printable characters, no blank, '/', '"' or '\', the first neither '.' nor
 * '-': it is typed, and is a file's name. */
bool server_is_name(const char *s);

struct servers {
	char **names; /* as people count: se-2 before se-10 */
	size_t n;
};

void servers_free(struct servers *s); /* accepts a zeroed one */
#define AUTO_SERVERS __attribute__((cleanup(servers_free)))

/* All of that directory, at least one. Refused: one that anybody but root can write in, who could
 * put a key of their own there. */
int servers_list(const char *dir, struct servers *ret, struct err *e);

/* n where there is none of that name. */
size_t servers_find(const struct servers *s, const char *name);
/* -ENOENT, and a sentence with one whose name is like it, or with how many there are. */
int servers_fail_unknown(const struct servers *s, const char *vpn, const char *name, struct err *e);

/* Returns the one that its owner wants: what `chosen` says, else the first. */
size_t servers_chosen(const char *dir, const struct servers *s);
int servers_choose(const char *dir, const char *name, struct err *e);

/* Pure: all but `now`, in the order in which they are asked when it is silent: `home`, the one that
 * is wanted, first, then the more a name has in common with home's, up to a '-', the sooner (the
 * same town before the same country), and among equals those behind `now` first. ret has room for
 * s->n; returns how many. */
size_t servers_order(const struct servers *s, size_t home, size_t now, size_t *ret);
