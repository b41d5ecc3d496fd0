/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard of a bridge's ports, and of the bridge, against the host's own programs: policy/
 * bridge-guard.nft with this VPN's names. Linked by vpnctl only; see plug/guard_port.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/model.h"

/* Once the bridge is there, and before it is up; replaces what was there, live ports included. Adds
 * to *ret_flags RECORD_GUARDED, and RECORD_GUARD_EACH where each port needs its own chain. A kernel
 * that cannot at all (before 5.16) goes without: flags stay, and e says so. */
int guard_make(const struct profile *p, int ns_fd, uint32_t *ret_flags, struct err *e);
