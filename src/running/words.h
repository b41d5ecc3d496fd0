/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Enough of a shell's language to say what a wrapper script, or the text behind `sh -c`, starts:
 * simple commands, quotes, variables that are set to plain text, "$@", and where the script lies.
 * Pure; runs nothing. What it cannot know is a word that names no file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define WORDS_MAX      64
#define WORDS_VARS_MAX 48

struct words {
	const char *at;	   /* the rest of the text */
	const char *self;  /* $0 */
	const char *dir;   /* where the script lies, NULL: unknown */
	char *const *args; /* "$@", NULL at the end */
	/* the command that was read last */
	char *word[WORDS_MAX + 1]; /* NULL at the end; points into text */
	size_t n;
	bool is_exec;  /* it takes the place of the shell */
	bool hands_on; /* it gets "$@" */
	/* its own */
	size_t n_vars, used, kept;
	const char *var[WORDS_VARS_MAX][2];
	char text[16384]; /* of the words, from the front */
	char vars[4096];  /* of the variables */
};

/* text, self, dir and args must outlive w. */
void words_begin(struct words *w, const char *text, const char *self, const char *dir,
		 char *const *args);

/* The next simple command. false: there is none. */
bool words_next(struct words *w);

/* What the text has set a variable to, else the environment's; NULL: neither. */
const char *words_var(const struct words *w, const char *name);
