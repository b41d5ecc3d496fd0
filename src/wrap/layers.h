/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories of which an earlier one's file hides a later one's of the same name: the user's own
 * before the system's.
 */
#pragma once

#include "wrap/plan.h"

struct wrap_found {
	const char *id;	  /* its name in the user's own directory */
	const char *path; /* where its text is */
	const char *text;
	const char *dir; /* the user's own directory */
};

struct wrap_layers {
	const char *own;  /* the user's directory */
	const char *list; /* the others, with colons: "/usr/local/share:/usr/share" */
	const char *below;
	const char *suffix;
	bool deep;	      /* also in directories below: "kde/a.desktop" is "kde-a.desktop" */
	const char *identity; /* the key whose value is what hides; NULL: the file's name */
};

/* $XDG_DATA_DIRS and $XDG_CONFIG_DIRS, or what stands for them. Static. */
const char *wrap_data_dirs(void);
const char *wrap_config_dirs(void);

/* Calls fn with each file that counts, as it is without wrap. A file that was overlooked would
 * start the program without the VPN, so a directory that cannot be listed is an error; one that is
 * not there, or that the user may not read, has none. */
int wrap_layers_each(struct wrap_job *j, const struct wrap_layers *l,
		     int (*fn)(struct wrap_job *j, const struct wrap_found *f, struct err *e),
		     struct err *e);
