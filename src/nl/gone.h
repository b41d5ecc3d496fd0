/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's word that a device is gone. It comes long before the request to delete it is
 * acknowledged: nothing can find the device any more, its name is free and it carries no packet,
 * but who asked is kept until the memory is freed, a grace period or two later.
 */
#pragma once

#include "nl/sock.h"

/* Watches the socket's own namespace. Must be called before the request is made. */
int nl_gone_watch(struct nl_sock *s, struct err *e);

/* Reads what there is; blocks if there is nothing. 1: the device is gone; 0: not a word of it.
 * -ENOBUFS: words were lost. */
int nl_gone_read(struct nl_sock *s, int ifindex);

/* Of the socket's own namespace and of every one that has a number in it, of the end of devices
 * alone: nothing else wakes who waits for it. Needs CAP_NET_BROADCAST. */
int nl_gone_watch_all(struct nl_sock *s, struct err *e);

/* Calls fn with the names of those that are gone, without blocking. -ENOBUFS: words were lost. */
int nl_gone_names(struct nl_sock *s, void (*fn)(const char *name, void *arg), void *arg);
