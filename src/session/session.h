/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The session of a user and a VPN: what that user's sandboxes of that VPN share, and nothing else
 * does. With R the user's runtime directory (XDG_RUNTIME_DIR) and NAME the VPN's name:
 *
 *   R/vpnrun/NAME/        0700; never visible in a sandbox
 *   R/vpnrun/NAME/run/    what a sandbox has in R's place; its content is hostile to us
 *   R/vpnrun/NAME/used    there while sandboxes of it may be (others.h)
 *   R/vpnrun/NAME/lock    held while something of the session is made (session_lock())
 *
 * Into run/ is bound, entry by entry, what the desktop serves and what is no way to a network.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define SESSION_NAME_MAX 16

/* The part of the real R that a sandbox has. */
enum session_class {
	SESSION_WAYLAND = 1 << 0,
	SESSION_X11 = 1 << 1, /* authority files */
	SESSION_SOUND = 1 << 2,
	SESSION_AGENTS = 1 << 3, /* keys: ssh-agent, gpg-agent */
	SESSION_HELP = 1 << 4,	 /* portal documents, assistive technology, input methods */
	SESSION_ALL = (1 << 5) - 1,
};

/* A thing of the desktop's that the environment names, or ssh's configuration, wherever it lies. */
struct session_named {
	int fd; /* O_PATH, -1: none */
	char path[PATH_MAX];
};
#define SESSION_NAMED_MAX 8

struct session {
	char runtime[PATH_MAX]; /* R without links, the same inside and outside */
	char name[SESSION_NAME_MAX];
	bool has_runtime; /* there is a R outside; else a private directory stands there inside */
	int dir;	  /* R/vpnrun/NAME, -1: none */
	int run;	  /* its run/, -1: none */
	int used;	  /* holds "used", -1 */
	unsigned int classes; /* bits of enum session_class */
	int outside;	      /* R, of the sandbox's own mounts, for session_mount(); -1 */
	int inside;	      /* what stands in R's place; -1 */
	struct session_named named[SESSION_NAMED_MAX];
	size_t n_named;
};
#define SESSION_INIT                                                           \
	{                                                                      \
		.dir = -1, .run = -1, .used = -1, .outside = -1, .inside = -1, \
	}

/* The caller's session of the VPN name, made if it is not there; NULL: one of the sandbox's own,
 * which ends with it. Before the namespaces are made. Everything is checked before it is trusted:
 * a link, another user's or an open directory in the place is refused with a sentence. */
int session_open(const char *name, struct session *ret, struct err *e);
void session_close(struct session *s); /* accepts a closed one */

/* From here on it is like one of the sandbox's own, in which nothing of R is; "used" stays held. */
void session_leave_out(struct session *s);

/* Waits for the session's lock, five seconds at most: a descriptor that holds it until it is
 * closed. */
int session_lock(const struct session *s, struct err *e);

/* In the new mount namespace, before anything is mounted: opens what session_mount() needs. */
int session_enter(struct session *s, struct err *e);

/* When the new /run is there: puts the session in R's place. What cannot be bound is left out: only
 * what is there can be a way out. */
int session_mount(struct session *s, struct err *e);

/* Binds path, which is below R, too. 0: it is not below R; 1: done. */
int session_allow(struct session *s, const char *path, struct err *e);
