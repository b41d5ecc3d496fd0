/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Desktop entries (https://specifications.freedesktop.org/desktop-entry-spec/) as text. Pure.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* Whether the entry starts PROGRAM (a name without directories), by itself or through env. */
bool desktop_starts(const char *text, const char *program);

struct desktop_wrap {
	const char *program; /* as in desktop_starts() */
	const char *path;    /* of it, absolute */
	const char *prefix;  /* what is put before each command: "/usr/bin/vpnrun mullvad --" */
	const char *vpn;     /* shown behind the name */
	const char *mark;    /* the first line of what is made, without '#' and newline */
};

/* The entry with its commands behind the prefix, its names with the VPN's, and without D-Bus
 * activation, which would start the program elsewhere. The caller's to free; NULL: no memory. */
char *desktop_wrap(const char *text, const struct desktop_wrap *w);
