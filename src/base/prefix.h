/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network of addresses, as "10.96.0.0/12" says it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct net_prefix {
	int family;
	uint8_t addr[16]; /* zeroed behind the address, and behind the network's own bits */
	uint8_t len;
};

/* Reads a network with its length, or an address alone, which has all its bits. -EINVAL, also for
 * a network that is given by the address of a host in it. */
int prefix_parse(const char *text, struct net_prefix *ret);

/* Whether all of b lies in a. */
bool prefix_has(const struct net_prefix *a, const struct net_prefix *b);
bool prefix_equal(const struct net_prefix *a, const struct net_prefix *b);

/* Returns an address of that family as a network of its own. */
struct net_prefix prefix_of_addr(int family, const void *addr);

/* Writes the mask, len bytes of it. */
void prefix_mask(const struct net_prefix *p, uint8_t *ret, unsigned int len);
