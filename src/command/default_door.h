/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl default` of an ordinary user: one datagram of fixed size to a service that root started,
 * one back. Who asks is told by the socket, never by the message. Same machine, same installation.
 */
#pragma once

#include <stdbool.h>
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

/* Asks, and waits for the answer: *ret_name (16 bytes) as in the reply. */
int door_ask(const char *name, bool strict, char *ret_name, struct err *e);
