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

struct daemon_how {
	int listener;	     /* the socket that it listens on */
	const char *program; /* our own path, from which the others' are known */
	const char *vpn;
	const char *broker; /* the socket of the broker, NULL: where it always is */
};

int daemon_start(struct daemon *d, const struct daemon_how *how, struct err *e);

/* Ends it and what it started: asked first, then killed. */
void daemon_end(struct daemon *d);
