/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last step before exec: no capabilities, no new privileges, the policy's filter.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "box/seccomp.h"

/* policy NULL: no filter. Afterwards nothing but execve(2) should be called. */
int box_drop(uint64_t keep_caps, const struct box_policy *policy, struct err *e);
