/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities by the bare system calls: a launch must not wait for one more library to be mapped.
 * A set is a mask, bit N is capability N.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Leaves the process and all it becomes only keep: bounding set, securebits, ambient and
 * inheritable sets, and last its own. With keep 0 also uid 0 gets none by exec. Needs CAP_SETPCAP;
 * irrevocable. */
int box_caps_limit(uint64_t keep, struct err *e);

/* Of the process's own sets nothing is left but keep, permitted and effective: nothing that an exec
 * would hand on. */
int box_caps_keep(uint64_t keep, struct err *e);

/* Whether it is permitted. */
bool box_caps_has(unsigned int cap);

/* What is executed next has that capability, too, which must be permitted. */
int box_caps_hand_on(unsigned int cap, struct err *e);
