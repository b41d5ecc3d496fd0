/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between `vpnctl default` of an ordinary user and the service that root started: AF_UNIX
 * SOCK_SEQPACKET, one datagram of fixed size, one back. Who asks is told by the socket, never by
 * the message. Same machine, same installation.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

#define DOOR_SOCKET "/run/vpnrun/default.sock"
#define DOOR_MAGIC  0x44707675u /* "uvpD" */

struct door_request {
	uint32_t magic;
	uint32_t strict; /* 0 or 1 */
	char name[16];	 /* of a VPN, or "none"; NUL-terminated */
};

struct door_reply {
	uint32_t magic;
	int32_t code;  /* 0, or a negative errno */
	char name[16]; /* of "none": whose default it was, "" if nobody's */
	char msg[ERR_MSG_MAX];
};
