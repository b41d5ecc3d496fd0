/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of the host's file tree a confined program sees: the ways to names and networks are hidden.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* The user's runtime directory, which a layer above knows. */
struct view_runtime {
	const char *path; /* where it is */
	int (*fill)(void *arg, struct err *e);
	/* 1: path is in it and was given back; 0: it is not in it */
	int (*allow)(void *arg, const char *path, struct err *e);
	void *arg;
};

/* A socket or file of the session that is given back under a name in the sandbox. */
struct view_grant {
	const char *src, *dst; /* absolute: outside, inside */
};

struct ns_view {
	const char *resolv_conf; /* the whole text */
	const struct view_runtime
		*runtime;  /* NULL with host_network alone, and for what is not a launch */
	bool host_network; /* only the ways to names are hidden, all else of /run stays */
	bool own_userns; /* false: root's mounts, which no lock protects and which may propagate */
	bool strict;  /* the session's sockets, /tmp and /dev are hidden, too; needs an own IPC */
	bool display; /* strict: with the graphics card */
	const struct view_grant *grants;
	size_t n_grants;
	const char *const *allow; /* absolute paths to give back */
	size_t n_allow;
};

struct view_report {
	bool etc_copied; /* the kernel made no overlay */
	bool sys_masked; /* the kernel mounted no new sysfs */
};

/* Rearranges the mounts of the caller's own new mount namespace and re-enters the working
 * directory, which otherwise would be a way back under the new mounts. On failure the namespace
 * must be abandoned. */
int ns_view_make(const struct ns_view *v, struct view_report *ret, struct err *e);
