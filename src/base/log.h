/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line to stderr, with the program's name before it. Only mains, the broker's server and the
 * supervisor log; libraries return struct err.
 */
#pragma once

extern const char *log_program; /* set by main */
extern int log_verbose;		/* -v */

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...)
	__attribute__((format(printf, 1, 2))); /* only if log_verbose */
