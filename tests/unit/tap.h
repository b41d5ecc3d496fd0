/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TAP for unit tests. A program begins with tap_begin() and ends with `return tap_done();`, which
 * also fails it if it holds more descriptors open than it began with.
 */
#pragma once

#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed, tap_fds;

static inline int tap_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static inline void tap_begin(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	tap_fds = tap_open_fds();
}

static inline bool __attribute__((format(printf, 2, 3))) ok(bool good, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	tap_failed += !good;
	return good;
}

static inline bool is_int(long long got, long long want, const char *what)
{
	bool good = ok(got == want, "%s", what);

	if (!good)
		printf("#   got %lld, wanted %lld\n", got, want);
	return good;
}

static inline bool is_str(const char *got, const char *want, const char *what)
{
	bool good = ok(got && want ? !strcmp(got, want) : got == want, "%s", what);

	if (!good)
		printf("#   got    '%s'\n#   wanted '%s'\n", got ? got : "(null)",
		       want ? want : "(null)");
	return good;
}

static inline int tap_done(void)
{
	is_int(tap_open_fds(), tap_fds, "no descriptor is left open");
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}
