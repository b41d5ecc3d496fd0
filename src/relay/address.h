/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses as 16 bytes and a family, and the kernel's form of them.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

extern const uint8_t relay_loopback4[16];
extern const uint8_t relay_loopback6[16];

/* Fills ret; its length. */
socklen_t relay_address(struct sockaddr_storage *ret, int family, const uint8_t *addr,
			uint16_t port);

#define RELAY_PROXY_LINE 108 /* the longest, by the PROXY protocol's text, and a NUL */

/* "PROXY TCP4 CLIENT SERVER PORT PORT\r\n" of an accepted connection; its length, -errno. */
int relay_proxy_line(int client, char ret[RELAY_PROXY_LINE]);
