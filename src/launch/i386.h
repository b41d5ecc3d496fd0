/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 32-bit programs of a 64-bit PC: their C library makes sockets by socketcall(2), which keeps the
 * family where no filter sees it.
 */
#pragma once

#include <stdbool.h>

/* Says in words what a socket of this machine's reaches although a network namespace is around it;
 * NULL: nothing that we know of. */
const char *launch_reaches_beyond(void);

/* The same of a list like /proc/net/protocols, and AF_VSOCK's answer to what this machine's own
 * address is, or -errno; exposed for the tests. */
const char *launch_reaches_by(const char *protocols, long long vsock_cid);

/* The policy for a command where none was named: "default", or "i386"; "strict" if that is asked
 * for. i386 is the 32-bit program that the command leads to, "": none. Says which and why. */
const char *launch_default_policy(const char *i386, bool strict);
