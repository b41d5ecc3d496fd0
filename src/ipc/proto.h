/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that a client (vpnrun, the hooks) can say to the broker. What the other programs say to each
 * other stands beside: door.h, ports.h, use.h. AF_UNIX SOCK_SEQPACKET; one request is one datagram
 * of exactly this size and carries exactly one descriptor; one reply comes back; then the broker
 * closes. Identity is never in here: it comes from the socket. Same machine, same byte order, same
 * ABI.
 */
#pragma once

#include <stdint.h>

#include "base/port_map.h"

#define PROTO_SOCKET  "/run/vpnrun/vpnrund.sock"
#define PROTO_MAGIC   0x72707675u /* "uvpr" */
#define PROTO_VERSION 2

enum proto_op {
	PROTO_ATTACH = 1, /* plug my network namespace (the descriptor) into that VPN */
};

enum proto_flags {
	PROTO_LAN = 1u << 0, /* and what "allow_lan" of the VPN's file opens of the LAN */
};

struct proto_request {
	uint32_t magic;
	uint16_t version;
	uint16_t op;	/* enum proto_op */
	char vpn[16];	/* NUL-terminated, the rest NUL */
	uint32_t flags; /* enum proto_flags */
	uint32_t n_expose;
	struct port_map expose[PORT_MAPS_MAX]; /* open these from the VPN's side; the rest 0 */
};

struct proto_reply {
	uint32_t magic;
	uint16_t version;
	uint16_t op;
	int32_t code;  /* 0, or a negative errno */
	uint32_t host; /* of the lease, see state/lease.h */
	char msg[320]; /* why not: one sentence, NUL-terminated */
};

_Static_assert(sizeof(struct proto_request) == 64, "wire format");
_Static_assert(sizeof(struct proto_reply) == 336, "wire format");
