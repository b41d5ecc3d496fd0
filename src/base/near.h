/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that were meant: 'dmeo' is 'demo'. Pure.
 */
#pragma once

#include <stdbool.h>

/* Whether a was probably meant for b: letters of another case, one wrong, missing, too many or
 * exchanged; of longer names two. Equal names are near. */
bool near_name(const char *a, const char *b);
