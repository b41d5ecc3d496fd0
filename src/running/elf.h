/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells what kind of machine code a program is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether the file is a 32-bit program for Intel processors. Never so on another machine than a
 * 64-bit PC, where it would need nothing of its own. */
bool running_is_i386(const char *path);

/* Whether the command leads to such a program; its path is ret. */
bool running_find_i386(char *const *argv, char *ret, size_t size);
