/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front's way to the plugger, the process that has the capability.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ipc/plug.h"

/* Must be called before privileges are dropped. path NULL: starts vpnrund-plug, which lies beside
 * this program, with the other end of a socket pair, which takes CAP_NET_ADMIN; else connects to
 * where systemd starts it. Returns a descriptor when it is ready: when its other end is closed, it
 * has ended. */
int plugger_start(const char *path, struct err *e);

/* One worker's side of it. */
struct plugger {
	int fd;	     /* plugger_start()'s, shared by all workers */
	int here;    /* answers to this worker come in here ... */
	int answers; /* ... when they are sent there */
};

int plugger_open(struct plugger *p, int fd, struct err *e);
void plugger_close(struct plugger *p);

struct plug_wish {
	const char *vpn;
	int netns_fd;
	bool lan;
};

/* Asks for peer's namespace to be plugged in, and waits for the answer: *ret_host is the lease. A
 * user whose sandboxes have just ended is under the limit a moment later. */
int plugger_ask(struct plugger *p, const struct plug_wish *w, const struct peer *peer,
		uint32_t *ret_host, struct err *e);
