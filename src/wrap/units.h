/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Units of the user's systemd that start the program.
 */
#pragma once

#include "wrap/layers.h"

/* Plans a drop-in of each. */
int wrap_plan_units(struct wrap_job *j, struct err *e);

/* Reads a unit's drop-ins, that of wrap left out, behind its text. dirs: with colons, the first
 * counts most. *ret is the caller's to free. */
int wrap_unit_text(const char *dirs, const struct wrap_found *u, char **ret, struct err *e);

/* Whether the file is another unit's second name. */
bool wrap_is_unit_alias(const char *path);
