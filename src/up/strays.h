/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports that somebody took out of their bridge: systemd-networkd does so with every device that a
 * file of its own matches. Who is inside hangs, and nothing is open. Root.
 */
#pragma once

#include <net/if.h>
#include <stddef.h>

#include "base/err.h"
#include "state/lease.h"

struct strays {
	size_t n;
	char first[IF_NAMESIZE];
};

/* Counts how many there are, where ns_fd is. */
int strays_find(int ns_fd, const struct lease_pool *pool, int bridge, struct strays *ret,
		struct err *e);
/* Puts them back; how many there were. */
int strays_mend(int ns_fd, const struct lease_pool *pool, int bridge, struct strays *ret,
		struct err *e);
