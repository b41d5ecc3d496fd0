/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cable as a container's only way out, for as long as its namespace lives.
 */
#pragma once

#include <stdbool.h>

#include "nl/link.h"
#include "nl/sock.h"

/* The table into which cable_up() puts the routes of a namespace that is closed. */
#define CABLE_TABLE 86

/* Closes the namespace of the sockets (NETLINK_ROUTE, NETLINK_NETFILTER) for good: of each family,
 * what the routes in CABLE_TABLE do not carry is unreachable, and nothing leaves but by lo and the
 * cable dev, whatever else is there or comes. What is closed already is so for that cable. */
int cable_alone(struct nl_sock *s, struct nl_sock *nft, const char *dev, struct err *e);

/* Its routing rules alone, for who has another firewall in that table's place. */
int cable_alone_rules(struct nl_sock *s, struct err *e);
#define CABLE_GUARD "vpnrun"

/* For one who closed it and could not go on. */
void cable_alone_undo(struct nl_sock *s, struct nl_sock *nft);

/* 1 or 0; -errno. */
int cable_is_alone(struct nl_sock *s, struct nl_sock *nft, struct err *e);

/* Whether it may be another way out than the cable dev. What is not up is what the kernel puts into
 * every namespace (tunl0, sit0), or dead. */
bool cable_is_other(const struct rtnl_link *l, const char *dev);
