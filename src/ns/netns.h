/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network namespaces as `ip netns` keeps them: a name below /run/netns on which the namespace is
 * mounted. Entering needs CAP_SYS_ADMIN; only single-threaded programs enter.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "nl/sock.h"

/* Opens DIR/NAME if a namespace is mounted there: a descriptor of the caller's. -ENOENT: no such
 * name. -EBADF: a file that no namespace is mounted on (what a killed `up` or a reboot leaves). Any
 * other error says nothing of what is there. */
int ns_netns_open(const char *dir, const char *name, struct err *e);
bool ns_netns_is_absent(int error);

/* Makes a namespace and mounts it on DIR/NAME, with DIR shared as ip-netns(8) does so that other
 * mount namespaces see it. Returns its descriptor. The caller's own namespace does not change. */
int ns_netns_create(const char *dir, const char *name, struct err *e);

/* One without a name: its descriptor, with which it goes, and all that is in it. */
int ns_netns_make(struct err *e);

/* Unmounts and removes the name. The namespace lives on while something is inside. Absent: 0. */
int ns_netns_remove(const char *dir, const char *name, struct err *e);

/* Whether a name goes: a watch of dir, which does not block and is the caller's, and what it says
 * of that name; true also where it cannot tell any more. */
int ns_netns_watch(const char *dir, struct err *e);
bool ns_netns_has_gone(int watch, const char *name);

/* Enters fd; *ret_back brings the thread back. A leave that fails aborts the program: going on in
 * the wrong namespace is the one thing that must never happen. */
int ns_netns_enter(int fd, int *ret_back, struct err *e);
void ns_netns_leave(int *back);

/* A netlink socket that belongs to the namespace netns_fd. */
int ns_nl_open(struct nl_sock *s, int netns_fd, int family, struct err *e);
