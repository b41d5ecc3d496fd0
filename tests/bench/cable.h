/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the floor programs and the benchmark's plugger say to each other: one datagram with a
 * network namespace's descriptor asks for a cable, one comes back. It stands for the one thing that
 * an ordinary user cannot do alone, at the least that it can cost: no check, no fork, nobody asked.
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#define CABLE_FD 3 /* where a floor program finds its end of the socket */

struct cable {
	int32_t error; /* negative errno: no cable */
	uint8_t plen4, has4, has6, unused;
	struct in_addr addr4, gateway4;
	struct in6_addr addr6, gateway6;
};
