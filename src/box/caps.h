/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities by the bare system calls: a launch must not wait for one more library to be mapped.
 * A set is a mask, bit N is capability N.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

/* Leaves the process and all it becomes only keep: bounding set, securebits, ambient and
 * inheritable sets, and last its own. With keep 0 also uid 0 gets none by exec. Needs CAP_SETPCAP;
 * irrevocable. */
int box_caps_limit(uint64_t keep, struct err *e);
