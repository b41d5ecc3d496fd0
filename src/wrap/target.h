/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program that is wrapped, and whether a word of somebody's command is that program. Looks at
 * files, makes none.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"
#include "running/kind.h"

struct wrap_target {
	const char *program;   /* a name without directories */
	char path[PATH_MAX];   /* where PATH has it */
	char real[PATH_MAX];   /* the same without links */
	char engine[PATH_MAX]; /* the browser's executable that it is or becomes, "": none */
	struct stat real_st;
	struct stat engine_st; /* valid unless engine is "" */
	enum running_kind kind;
};

bool wrap_is_program_name(const char *s);

/* Takes a directory out of the environment's PATH: a lookup finds what a wrapper in it stands for.
 * *ret_first: the directory that stood before it and has the program, "": there is none. */
int wrap_path_without(const char *dir, const char *program, char *ret_first, size_t size,
		      struct err *e);

/* Fills the rest from t->program. -ENOENT and a sentence. */
int wrap_target_find(struct wrap_target *t, struct err *e);

/* Whether the word of a command is the program: by its name in whatever directory, or another name
 * of the same file, such as an alternative's. */
bool wrap_target_is(const struct wrap_target *t, const char *word);

/* Finds a command in PATH, as execvp(3) would. */
bool wrap_find_command(const char *word, char ret[PATH_MAX]);
