/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts how many cables of a VPN a user may hold.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "nl/sock.h"
#include "state/record.h"

#define LIMIT_PLACES 256

/* The most that those of a VPN's users hold who share a place, and one; 0: nobody has counted. */
struct limit_memory {
	uint32_t held[100][LIMIT_PLACES];
};

/* -EDQUOT: the user holds as many as the record lets one user have. Asks the kernel where what is
 * remembered is not enough. */
int limit_check(struct limit_memory *m, struct nl_sock *s, const struct record *r, uid_t uid,
		struct err *e);

/* The user has one more. */
void limit_add(struct limit_memory *m, const struct record *r, uid_t uid);
