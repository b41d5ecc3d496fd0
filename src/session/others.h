/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user's sandboxes of other VPNs: what listens in one of them would take a program of this one
 * out by the wrong way.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "session/session.h"

/* Says that the session is in use, so that launches into other VPNs look for its sandboxes; they
 * find this one as soon as s is closed. */
int others_note_use(struct session *s, struct err *e);

/* The same for a strict sandbox, which has nothing else of its session: *ret is like one of the
 * sandbox's own. That there is no place for the note is no failure. */
int others_note_strict(const char *name, struct session *ret, struct err *e);

struct others {
	const struct session *session;
	bool (*is_outside)(pid_t pid, void *arg); /* is its network another than ours will be? */
	void *arg;
};

/* Calls fn with one process of each network namespace of the user's that is_outside(); a non-zero
 * return ends it. Looks at nothing but for a few names where only this VPN was ever used and the
 * user has a runtime directory. */
int others_each(const struct others *o, int (*fn)(pid_t pid, void *arg), void *arg, struct err *e);

/* A NETLINK_SOCK_DIAG socket of that process's network namespace. -errno: the kernel does not let
 * the user in. */
int others_open_diag(pid_t pid);
