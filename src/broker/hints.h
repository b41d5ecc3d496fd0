/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where to look for a free number: memory that the broker's children share. Hints only: the kernel
 * is the table of leases, and every number that comes from here may turn out to be taken, or be
 * said to be taken and be free. A lie in here costs time and nothing else.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct hints;

/* Before the first fork; lives as long as the process. NULL: no memory. */
struct hints *hints_new(void);

#define HINTS_HOSTS 1024 /* a bridge takes 1023 ports */

struct hints_map {
	uint64_t bits[HINTS_HOSTS / 64];
};

/* A number of 2..max that is not known to be taken, now marked as taken. 0: none is left. */
uint32_t hints_pick(struct hints *h, uint8_t vpn_id, uint32_t max);

/*
 * How many cables a user may hold at most, so that not every attach has to list them. It counts up
 * with each that is made and never down by itself; whoever finds it too high counts anew. It is of
 * all users that share a place in the table, and so is what is counted.
 */
#define HINTS_PLACES  256
#define HINTS_UNKNOWN UINT32_MAX

uint32_t hints_place(uid_t uid);

/* One more, which the kernel has already. *ret_held: the most that the place holds, HINTS_UNKNOWN
 * where nobody has counted yet. Returns what hints_held_set() wants to know. */
uint32_t hints_held_add(struct hints *h, uint8_t vpn_id, uint32_t place, uint32_t *ret_held);

/* counted, unless others have added since hints_held_add() returned seen. */
void hints_held_set(struct hints *h, uint8_t vpn_id, uint32_t place, uint32_t seen,
		    uint32_t counted);

/* What the kernel lists becomes what is known; word by word, since others pick meanwhile. */
void hints_replace(struct hints *h, uint8_t vpn_id, const struct hints_map *taken);
void hints_map_mark(struct hints_map *m, uint32_t host);
