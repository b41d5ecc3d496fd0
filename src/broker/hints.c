/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One bitmap a VPN, and a number that goes round, so that a number is not given again at once: its
 * last holder's cable takes a while to go. Written by all children at once, with atomic operations
 * alone; no order between them is needed. Called by broker/ops.c.
 */
#include "broker/hints.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

#define VPNS 100 /* ids are 1..99 */
#define BITS 64

struct vpn_hints {
	uint32_t next;
	struct hints_map taken;
};

struct hints {
	struct vpn_hints vpn[VPNS];
};

struct hints *hints_new(void)
{
	void *p = mmap(NULL, sizeof(struct hints), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Whether it was free in here. */
static bool take(struct vpn_hints *v, uint32_t host)
{
	uint64_t bit = 1ull << (host % BITS);

	return !(__atomic_fetch_or(&v->taken.bits[host / BITS], bit, __ATOMIC_RELAXED) & bit);
}

uint32_t hints_pick(struct hints *h, uint8_t vpn_id, uint32_t max)
{
	struct vpn_hints *v = &h->vpn[vpn_id % VPNS];
	uint32_t n = max - 1;
	uint32_t start = __atomic_fetch_add(&v->next, 1, __ATOMIC_RELAXED);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t host = 2 + (start % n + i) % n;

		if (host >= HINTS_HOSTS || !take(v, host))
			continue;
		if (i)
			__atomic_store_n(&v->next, host - 1, __ATOMIC_RELAXED);
		return host;
	}
	return 0;
}

void hints_replace(struct hints *h, uint8_t vpn_id, const struct hints_map *taken)
{
	struct vpn_hints *v = &h->vpn[vpn_id % VPNS];

	for (size_t i = 0; i < HINTS_HOSTS / BITS; i++)
		__atomic_store_n(&v->taken.bits[i], taken->bits[i], __ATOMIC_RELAXED);
}

void hints_map_mark(struct hints_map *m, uint32_t host)
{
	if (host < HINTS_HOSTS)
		m->bits[host / BITS] |= 1ull << (host % BITS);
}
