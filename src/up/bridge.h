/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bridge layout: tunnel, bridge, routing table, rules and firewall in the host's namespace, so
 * that whatever takes a bridge can use the VPN. Root, in the host's namespace.
 */
#pragma once

#include "up/hold.h"
#include "up/steps.h"

extern const struct step bridge_steps[];
extern const size_t bridge_n_steps;

/* Called before an `up` of one that is up touches anything: tells what is in its place by now. */
int bridge_check_again(const struct profile *p, struct err *e);

/* Ports of the bridge, whosever. No bridge: 0. */
int bridge_count_ports(const struct record *r, unsigned int *ret, struct err *e);

/* Reads what `up` noted of a VPN of this layout before it made anything. -ENOENT: nothing. */
int bridge_note_read(const char *name, struct record *ret, struct err *e);

/* Takes the tunnel away, or what led to a device that is somebody else's; of either layout. */
int bridge_close(const struct record *r, int ns_fd, struct err *e);
/* The same; and the rest if no port is held, or force. */
int bridge_down(struct record *r, bool force, struct down_report *rep, struct err *e);
