/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl status --watch`: a line for each VPN as it is, and then one for each change.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* only: NULL: all VPNs. Returns 0 when a signal ends it or nobody reads any more. */
int watch_run(const char *only, bool json, struct err *e);
