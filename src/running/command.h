/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leads from a command as it is typed to the programs that it starts: through PATH, links and
 * alternatives, `env X=1 nice ...`, `sh -c TEXT`, and the exec lines of wrapper scripts. Reads
 * files, runs nothing.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

struct running_program {
	const char *path;  /* of the executable, without links */
	char *const *argv; /* what it gets; argv[0] is its name as written */
	const char *wine;  /* WINEPREFIX as `env` or the script sets it, NULL: not */
};

/* Calls fn for every program that the command leads to, until fn returns non-zero; returns that, or
 * 0. What cannot be found is passed over: to run it is not this one's to refuse. */
int running_each(char *const *argv, int (*fn)(const struct running_program *p, void *arg),
		 void *arg);

/* Whether execvp(3) would find a program of that name in PATH. */
bool running_finds(const char *name);

const char *running_base(const char *path);
