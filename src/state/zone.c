/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft can hash an index, but cannot take it for a number, nor compare two fields of a packet. So a
 * zone is a hash, twice since the mark that carries it is no number either, and two are the same if
 * the pairs of their halves are in a set of equal pairs. The hash is the kernel's jhash(), of Bob
 * Jenkins; whether it is still the same, tests/leak/flows.t asks the kernel.
 */
#include "state/zone.h"

#define SEED 0x76706eu /* as in policy/ */

static uint32_t rol(uint32_t v, unsigned int by)
{
	return v << by | v >> (32 - by);
}

static uint32_t hash(uint32_t v)
{
	uint32_t b = 0xdeadbeef + sizeof(v) + SEED, c = b, a = b + v;

	c = (c ^ b) - rol(b, 14);
	a = (a ^ c) - rol(c, 11);
	b = (b ^ a) - rol(a, 25);
	c = (c ^ b) - rol(b, 16);
	a = (a ^ c) - rol(c, 4);
	b = (b ^ a) - rol(a, 14);
	return (c ^ b) - rol(b, 24);
}

/* jhash ... mod n */
static uint32_t below(uint32_t n, uint32_t v)
{
	return (uint32_t)((uint64_t)hash(v) * n >> 32);
}

uint16_t zone_of_port(int ifindex)
{
	return (uint16_t)(below(65535, below(1u << 24, (uint32_t)ifindex)) + 1);
}

static void put_set(FILE *f, const char *name, unsigned int shift)
{
	fprintf(f, "define %s = {", name);
	for (unsigned int i = 0; i < 256; i++)
		fprintf(f, "%s%u . %u", i ? ", " : " ", i << shift, i << shift);
	fputs(" }\n", f);
}

void zone_put_pairs(FILE *f)
{
	put_set(f, "low", 0);
	put_set(f, "high", 8);
}
