/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The root side of inbound.h, in the VPN's supervisor. Linked by vpnctl only.
 */
#pragma once

#include "base/err.h"
#include "state/record.h"

/* RUN_DIR/NAME.inbound, which only root and the broker's user can connect to. */
int inbound_listen(const char *name, struct err *e);
/* One request, if one waits; blocks for as long as the firewall takes. */
void inbound_serve(int listen_fd, const char *name, int vpn_netns_fd);
