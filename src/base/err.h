/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors as data: a code and one sentence that names the object and the cause. The struct is of
 * fixed size and owned by the caller, so that it crosses a socket as it is.
 *
 * A function returns 0 or a negative errno, so steps are chained by what they return: after
 * `r = one(e); r = r ?: two(e); r = r ?: three(e);` r is the first failure, and nothing that
 * follows it was done.
 */
#pragma once

#include <stdarg.h>

#define ERR_MSG_MAX 320

struct err {
	int code; /* negative errno, 0 = no error */
	char msg[ERR_MSG_MAX];
};

#define ERR_INIT      \
	{             \
		0, "" \
	}

/* Sets e (may be NULL) and returns code. code is evaluated by the caller, on the line after the
 * failing call: `return err_set(e, -errno, ...)`. "%m" must not be used in fmt: say err_sys(). */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Does as err_set(), and adds ": " and the system's text for the code. */
int err_sys(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "WHAT: " before what e says already. Returns code, which the caller has from the call that
 * failed: e, which may be NULL here too, is for the sentence and never bears the code alone. */
int err_wrap(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Appends a sentence, for advice that a caller further out knows; returns code. */
int err_hint(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
