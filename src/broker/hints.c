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

#define VPNS	100 /* ids are 1..99 */
#define BITS	64

#define COUNTED (1u << 31) /* in a place of held: somebody has asked the kernel */

struct vpn_hints {
	uint32_t next;
	uint32_t held[HINTS_PLACES];
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

uint32_t hints_place(uid_t uid)
{
	return uid % HINTS_PLACES;
}

uint32_t hints_held_add(struct hints *h, uint8_t vpn_id, uint32_t place, uint32_t *ret_held)
{
	uint32_t *held = &h->vpn[vpn_id % VPNS].held[place];
	uint32_t now = __atomic_add_fetch(held, 1, __ATOMIC_RELAXED);

	*ret_held = now & COUNTED ? now & ~COUNTED : HINTS_UNKNOWN;
	return now;
}

/* Who adds does so after the kernel has made the cable. So whatever the list lacks is added later,
 * and what it may have twice only makes the next look earlier. */
void hints_held_set(struct hints *h, uint8_t vpn_id, uint32_t place, uint32_t seen,
		    uint32_t counted)
{
	__atomic_compare_exchange_n(&h->vpn[vpn_id % VPNS].held[place], &seen, counted | COUNTED,
				    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
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
