/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plan says which files are to be there, each with its text, and what starts the program all the
 * same. It is made by looking only, so that a wrap that cannot be whole is refused before
 * anything is touched, and so that --check compares what is there with what ought to be.
 */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "wrap/cmdline.h"

enum wrap_kind {
	WRAP_COMMAND,
	WRAP_ENTRY,
	WRAP_AUTOSTART,
	WRAP_HELPER,
	WRAP_SERVICE,
	WRAP_UNIT,
	WRAP_HOST,
	WRAP_N_KINDS,
};

struct wrap_file {
	enum wrap_kind kind;
	mode_t mode;
	char *path, *text;
	char *from; /* what starts the program without it */
};

struct wrap_around {
	char *what, *instead;
};

struct wrap_job {
	struct wrap_target target;
	struct wrap_cover cover;
	char home[PATH_MAX], data[PATH_MAX], config[PATH_MAX]; /* of the user */
	char run[PATH_MAX];				       /* $XDG_RUNTIME_DIR, or "" */
	char bin[PATH_MAX];				       /* ~/.local/bin */
	struct wrap_file *files;
	size_t n_files;
	struct wrap_around *around;
	size_t n_around;
};

/* Adds a file, whose text, the plan's from now on, may be NULL for want of memory. -EEXIST and a
 * sentence where the plan cannot have that path. A path that is there already stays. */
int wrap_plan_add(struct wrap_job *j, const struct wrap_file *f, struct err *e);

/* Adds something that starts the program without the VPN, and what to do about it: two formatted
 * texts. */
int wrap_plan_tell(struct wrap_job *j, char *what, char *instead, struct err *e);

/* A text that asprintf() makes, NULL: no memory. */
char *wrap_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void wrap_plan_free(struct wrap_job *j);
