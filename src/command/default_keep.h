/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A default that outlives the machine's restart: root's wish in /etc, and the unit that closes the
 * machine before its network is up and wants the VPN.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* From the next start on that VPN is the default. May be repeated; another's goes. *ret_unit:
 * whether systemd will do it; else a script of the boot's has to. */
int keep_default(const char *name, bool strict, bool *ret_unit, struct err *e);
/* From the next start on there is none. *ret_had (16 bytes): which there was to be, "" if none. */
int keep_no_default(char *ret_had, struct err *e);
