/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's word that a device is gone. It comes long before the request to delete it is
 * acknowledged: nothing can find the device any more, its name is free and it carries no packet,
 * but who asked is kept until the memory is freed, a grace period or two later.
 */
#pragma once

#include "nl/sock.h"

/* Of the socket's own namespace. Before the request is made. */
int nl_gone_watch(struct nl_sock *s, struct err *e);

/* Reads what there is; blocks if there is nothing. 1: the device is gone; 0: not a word of it.
 * -ENOBUFS: words were lost. */
int nl_gone_read(struct nl_sock *s, int ifindex);
