/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Landlock: what the kernel itself refuses a program of the strict view to do to the programs
 * outside. The kernel is asked what it knows; what it does not know is not there, and the caller
 * says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The kernel's own structures as of ABI 9, which older headers have in part or not at all. */
struct box_landlock_ruleset {
	uint64_t fs, net, scoped;
};

struct box_landlock_path {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

/* The three system calls, as a seam for the tests; each returns a value or -errno. */
struct box_landlock_sys {
	int (*abi)(void);
	int (*create)(const struct box_landlock_ruleset *set, size_t size);
	int (*allow)(int ruleset, const struct box_landlock_path *path);
	int (*restrict_self)(int ruleset);
};

enum box_landlock_shut {
	BOX_LANDLOCK_NONE,    /* the kernel has no Landlock, or none of this */
	BOX_LANDLOCK_SCOPES,  /* signals, and abstract sockets */
	BOX_LANDLOCK_SOCKETS, /* sockets with a path, too */
};

/* Cuts the calling thread, and all it becomes, off from processes outside: no signal reaches them,
 * no abstract socket of theirs can be connected to, and with sockets also no socket with a path
 * but those at or below allowed[]; what is missing of these is passed over. sockets also forbids
 * every mount(2) from now on, so all must be mounted. Needs CAP_SYS_ADMIN or no_new_privs;
 * irrevocable. Returns what is shut, or -errno: then the caller must not go on. */
int box_landlock_enter(bool sockets, const char *const *allowed, size_t n_allowed, struct err *e);

/* The same by other system calls. */
int box_landlock_enter_by(const struct box_landlock_sys *sys, bool sockets,
			  const char *const *allowed, size_t n_allowed, struct err *e);
