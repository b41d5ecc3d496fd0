/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that programs say to people. One line to stderr, with the program's name before it: only
 * mains, the broker's server and the supervisor log; libraries return struct err. Or say(), to
 * stdout. Control characters and what is no UTF-8 come out as '?', whoever's text they are in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

extern const char *log_program; /* set by main */
extern int log_verbose;		/* -v */
/* Called before and after each line, if set: a line of base/progress.h makes room. */
extern void (*log_step_aside)(bool is_over);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...)
	__attribute__((format(printf, 1, 2))); /* only if log_verbose */

/* A line to stderr without the program's name: as a compiler writes of a file. */
void log_plain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints to stdout. Line ends are those of fmt alone; not for JSON, nor for text of many lines. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Cleans len bytes in place, and returns how many are left. */
size_t log_clean(char *text, size_t len);
