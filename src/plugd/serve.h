/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plugger's work: one request, one decision, one answer, and the next.
 */
#pragma once

#include "base/err.h"

struct nl_sock;

/* Serves what comes by sock (ipc/plug.h) until its other end is closed: 0. s and nft are sockets of
 * the machine's own network, NETLINK_ROUTE and NETLINK_NETFILTER; nft may be closed. */
int serve_run(int sock, struct nl_sock *s, struct nl_sock *nft, struct err *e);
