/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unix sockets with a path that somebody may connect or send to, sock_diag(7). No privilege needed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nl/sock.h"

#define UNIXDIAG_NAME_MAX 108

struct unixdiag {
	/* As it was bound, with a NUL behind: it may be relative, and have any byte but NUL in it.
	 */
	char name[UNIXDIAG_NAME_MAX + 1];
	size_t len;
	uint32_t ino; /* low 32 bits of the inode's number */
	uint32_t uid; /* of who made it; -1: not asked for, or the kernel does not say */
};

/* A non-zero return ends the list. */
typedef int (*unixdiag_fn)(const struct unixdiag *u, void *arg);

/* fn for each of them in the namespace of s, a NETLINK_SOCK_DIAG socket. Everything that is asked
 * for lies in memory of its own, which is seldom in the processor's cache: uids make it a sixth
 * slower. */
int unixdiag_each(struct nl_sock *s, bool uids, unixdiag_fn fn, void *arg, struct err *e);
