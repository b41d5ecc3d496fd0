/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All programs that engines call have this in common: one question on stdin, one answer on stdout,
 * and an end, whatever happens.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

#define CALL_INPUT_MAX (1024 * 1024)

/* After that many seconds the program prints answer (borrowed) and ends with 1. Also: opens what of
 * 0, 1, 2 is closed, and lives on when nobody reads the answer. */
int call_begin(unsigned int seconds, const char *answer, struct err *e);

/* Stdin to its end. -EFBIG, -EIO. *ret ends with a NUL and is the caller's to free. */
int call_read(char **ret, size_t *ret_len, struct err *e);

/* Ends the deadline, and prints: an answer is whole or not there. */
int call_answer(const char *text, struct err *e);
