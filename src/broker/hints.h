/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where to look for a free number: memory that the broker's children share. Hints only: the kernel
 * is the table of leases, and every number that comes from here may turn out to be taken, or be
 * said to be taken and be free. A lie in here costs time and nothing else.
 */
#pragma once

#include <stdint.h>

struct hints;

/* Before the first fork; lives as long as the process. NULL: no memory. */
struct hints *hints_new(void);

/* A number of 2..max that is not known to be taken, now marked as taken. 0: none is left, or no
 * hints: hints_clear(), then hints_mark() what the kernel lists. */
uint32_t hints_pick(struct hints *h, uint8_t vpn_id, uint32_t max);
void hints_clear(struct hints *h, uint8_t vpn_id);
void hints_mark(struct hints *h, uint8_t vpn_id, uint32_t host);
