/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port that is opened from the VPN's side, as it crosses sockets: fixed size, no pointers. And
 * all those of one sandbox.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PORT_MAPS_MAX 4 /* of one sandbox */

struct port_map {
	uint16_t outer; /* 0: the one that the provider forwards */
	uint16_t inner; /* 0: the same as outside */
	uint8_t proto;	/* IPPROTO_TCP, IPPROTO_UDP; 0 (both) where outer is 0, and only there */
	uint8_t zero[3];
};
_Static_assert(sizeof(struct port_map) == 8, "wire format");

struct port_maps {
	struct port_map at[PORT_MAPS_MAX];
	size_t n;
};
