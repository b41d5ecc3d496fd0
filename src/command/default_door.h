/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl default` of an ordinary user, which a service of root's carries out.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* Asks, and waits for the answer: *ret_name (16 bytes) as in the reply. */
int door_ask(const char *name, bool strict, char *ret_name, struct err *e);
