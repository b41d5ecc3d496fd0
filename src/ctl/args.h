/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arguments of every command are judged here, as a whole, before the command runs: one that
 * acts on its first argument has seen none that is wrong. Pure.
 */
#pragma once

#include "base/err.h"

#define ARGS_MANY 1000

struct args_rule {
	/* Blank-separated; one that takes a value ends in '=': "--force --id=". */
	const char *options;
	int min, max; /* how many words that are no options */
	/* NULL: anybody may; "": root alone; else those options and words are root's: "--cut". */
	const char *root;
};

/* What of the line is root's alone: "" the command as it is, else the option or word; NULL:
 * nothing. */
const char *args_root(int argc, char **argv, const struct args_rule *rule);

/* 1: help is asked for; 0; -EINVAL and a sentence. argv[0] is the command. */
int args_check(int argc, char **argv, const struct args_rule *rule, struct err *e);
