/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All keys of a profile, in the order in which they are read.
 */
#pragma once

#include "conf/profile_type.h"

extern const struct profile_key profile_keys[];
extern const size_t profile_n_keys;
