/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections belong to a cable: what it opens is in a conntrack zone of its own, by the index of
 * its port, which the kernel gives to no other. Pure arithmetic, and the definitions that
 * policy/netns.nft and policy/bridge.nft need for it.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* The zone of the port with that index, 1..65535: what the rules of policy/ come to. */
uint16_t zone_of_port(int ifindex);

/* nft text: "low" and "high", the pairs of equal halves. */
void zone_put_pairs(FILE *f);
