/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What starts a wrapped program without the VPN, and is not wrap's to change: it is told of, with
 * what to do about it.
 */
#pragma once

#include "wrap/plan.h"

/* Adds it to the plan. first: the directory of PATH that stands before the wrapper's, or "". If
 * there is one, it is the first that is added. */
int wrap_look_around(struct wrap_job *j, const char *first, struct err *e);

/* Adds, of a wrap that was made, what is missing, was changed since, or would be made in another
 * way now. */
int wrap_look_at_files(struct wrap_job *j, struct err *e);
