/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between whoever has plugged a cable (the broker, or root) and the keeper of the VPN, which opens
 * ports: AF_UNIX SOCK_SEQPACKET, one datagram of fixed size; the answer is a struct err.
 */
#pragma once

#include <stdint.h>

#include "base/port_map.h"

#define INBOUND_MAGIC 0x62706e76u
struct inbound_request {
	uint32_t magic;
	uint32_t host;
	uint32_t uid;
	uint32_t n;
	struct port_map at[PORT_MAPS_MAX];
};
