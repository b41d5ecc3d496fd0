/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells what kind of program a file is by what lies beside it, whatever its makers call it.
 */
#pragma once

#include <stddef.h>

enum running_kind {
	KIND_OTHER,
	KIND_GECKO,    /* Firefox, Thunderbird and relatives: one instance a profile */
	KIND_CHROMIUM, /* Chromium, relatives and Electron: one instance a data directory */
	KIND_WINE,     /* one server a prefix */
	KIND_FLATPAK,  /* runs one of those in a sandbox of its own */
	KIND_SNAP,     /* cannot start in ours */
	KIND_SERVER,   /* its windows are those of a server that the session starts */
};

/* path is an executable's, without links. */
enum running_kind running_kind_of(const char *path);

/* Finds where a Gecko program keeps its profiles, below the home directory and below the user's
 * configuration: by the application.ini beside path. -ENOENT: there is none. */
int running_gecko_places(const char *path, char *home, char *config, size_t size);
