/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The places where profiles are: below the home directory, below the user's configuration
 * ($XDG_CONFIG_HOME), and where flatpak and snap keep those of theirs.
 */
#pragma once

#include <limits.h>
#include <stddef.h>

#include "running/holder.h"

struct places {
	char home[PATH_MAX], config[PATH_MAX], run[64];
};

/* Reads them from the environment. -ENOENT: there is no home. */
int places_find(struct places *ret);

/* Those of a flatpak application: its home and configuration below ~/.var/app. */
int places_of_flatpak(const struct places *p, const char *app, struct places *ret);

/* Finds who has a profile below a directory of profiles; name: the end of its directory's name, "":
 * any. */
pid_t places_find_profile(const char *dir, const char *name, const struct running_where *w);

/* Finds who outside has a profile of a Gecko program in one of the places that are known. only:
 * part of the place's name, name: as above; NULL: any. */
pid_t places_find_gecko(const struct places *p, const char *only, const char *name,
			const struct running_where *w);

/* Calls fn for each directory in the user's configuration that may be one of Chromium's, until it
 * returns a process; returns that, or 0. */
pid_t places_each_data_dir(const struct places *p, pid_t (*fn)(const char *dir, void *arg),
			   void *arg);

/* Finds who outside has the usual data directory of one of Chromium's browsers that are known. */
pid_t places_find_chromium(const struct places *p, const struct running_where *w);

/* Calls fn for each flatpak application that runs, with its process. As above. */
pid_t places_each_flatpak(const struct places *p,
			  pid_t (*fn)(const char *app, pid_t pid, void *arg), void *arg);
