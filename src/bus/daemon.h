/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VPN's bus: a dbus-daemon in a sandbox of that VPN, and all that it starts.
 */
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include "base/err.h"

struct daemon {
	pid_t pid;
	int pidfd;    /* -1: not started */
	int children; /* what is left below us */
	rlim_t files; /* the soft limit of open files that it gets, 0: ours */
};

#define DAEMON_INIT           \
	{                     \
		-1, -1, -1, 0 \
	}

/* Starts it with the listening socket; program is our own path, from which the others' are known.
 */
int daemon_start(struct daemon *d, int listener, const char *program, const char *vpn,
		 const char *broker, struct err *e);

/* Ends it and what it started: asked first, then killed. */
void daemon_end(struct daemon *d);
