/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several commands show these things in the same way.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"
#include "conf/model.h"

enum ctl_exit { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2 };

/* The tunnel's keys of `check --json`, into the object that is open. */
void ctl_tunnel_json(struct json_out *out, const struct tunnel *t);

/* Prints e and returns CTL_FAILED. */
int ctl_fail(const struct err *e);

/* A tunnel's warnings, a line each, to stderr. */
void ctl_print_warnings(const struct tunnel *t);
