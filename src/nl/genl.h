/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generic netlink: families have numbers that the kernel gives out at run time.
 */
#pragma once

#include <stdint.h>

#include "nl/sock.h"

/* s is a NETLINK_GENERIC socket. -ENOENT: this kernel does not have the family. */
int genl_family_get(struct nl_sock *s, const char *name, uint16_t *ret, struct err *e);
