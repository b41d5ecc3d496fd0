/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's word that something of a network namespace was taken away or altered: devices,
 * addresses, routes, rules, neighbours, settings that it tells of, and tables of nftables. Which
 * of them it was is not said: whoever hears it looks for themselves.
 */
#pragma once

#include "nl/sock.h"

/* Of the sockets' own namespace and of every one that has a number in it; neither is kept alive.
 * What a launch makes and takes away wakes nobody. Needs CAP_NET_BROADCAST. */
int nl_change_watch(struct nl_sock *route, struct nl_sock *nft, struct err *e);

/* Takes what there is to read, without blocking. True: there was something, or words were lost. */
bool nl_change_read(struct nl_sock *s);
