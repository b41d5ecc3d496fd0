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

/* The alias of the cable by which the machine itself is in a VPN: of no sandbox. */
#define INBOUND_MACHINE "the machine"

/* nft text that makes the firewall's sets say what the kernel's table and the record say now. The
 * caller's to free. */
int inbound_text(const struct record *r, int vpn_netns_fd, char **ret, struct err *e);
/* The same put into force. */
int inbound_refresh(const struct record *r, int vpn_netns_fd, struct err *e);
