/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking away the routing rules of a VPN or of the default. In the socket's namespace.
 */
#pragma once

#include <stdint.h>

#include "nl/sock.h"

/* All of ours with that priority, of both families. None: 0. */
int rules_remove(struct nl_sock *s, uint32_t priority, struct err *e);
