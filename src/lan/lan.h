/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's end of a VPN's cable to the LAN (layout "netns", "allow_lan"): made, judged and taken
 * away beside the VPN's namespace, which has the other end. Root, in the host's namespace.
 */
#pragma once

#include "base/err.h"
#include "ensure/ensure.h"
#include "want/want.h"

/* Makes the cable and the host's end of it as the profile says, or takes away what a former one
 * had. The inner end is there then, and down. vpn_fd: the VPN's namespace. */
int lan_make(const struct profile *p, int vpn_fd, struct err *e);

/* Takes it away: nothing passes any more, and the host is as it was. Absent: 0. */
int lan_remove(const char *vpn, int id, struct err *e);

/* Lists what lan_make() would make. */
int lan_want(const struct profile *p, struct want_list *l, struct err *e);

/* Gives the firewall's table of l the digest that is noted of it. */
void lan_keep_digests(const char *vpn, struct want_list *l);

/* Calls fn (may be NULL) with each object of the host's end that is missing or altered: how many.
 */
int lan_missing(const char *vpn, ensure_fn fn, void *arg, struct err *e);

/* Takes out of a list of the VPN's namespace what is not there while the VPN is closed. */
void lan_drop_inside(struct want_list *l, const char *vpn, int id);
