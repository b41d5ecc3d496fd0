/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft text is carried out by libnftables, in a process of its own. Linked by vpnctl only.
 */
#pragma once

#include "base/err.h"

/* Carries out nft text in that namespace, all of it or nothing. name is for messages. Needs
 * CAP_SYS_ADMIN (to enter) and CAP_NET_ADMIN there. */
int firewall_run(const char *name, const char *text, int netns_fd, struct err *e);

/* Called by who stays, once: from now on, in this process and in its children, a vpnctl that is
 * started for it carries it out, with the libnftables that is installed by then. */
void firewall_load_fresh(void);

/* What that vpnctl does, in its own namespace: text_fd is read to its end. */
int firewall_load_here(const char *name, int text_fd, struct err *e);
