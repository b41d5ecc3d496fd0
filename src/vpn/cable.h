/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuring the near end of a cable: what a sandbox or a container does in its own namespace.
 */
#pragma once

#include <stdint.h>

#include "nl/sock.h"
#include "vpn/record.h"

/* Inside the new network namespace, before the cable comes: what it must not do by itself. r may be
 * NULL: no cable will come. */
void cable_prepare(const struct record *r);

/* Brings lo up, and with host not 0 the cable, called dev, with its addresses and routes. One
 * request. */
int cable_up(struct nl_sock *s, const struct record *r, const char *dev, uint32_t host,
	     struct err *e);
