/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways of starting a program that wrap covers: each by a file of the user's that stands before
 * the system's.
 */
#pragma once

#include "wrap/plan.h"

/* Finds the user's directories. Refuses a HOME that no file could name. */
int wrap_find_places(struct wrap_job *j, struct err *e);

/* Plans the files of all ways, from j->target and j->cover. */
int wrap_plan_ways(struct wrap_job *j, struct err *e);
