/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways that names go on a machine. default/default's alone.
 */
#pragma once

#include "state/note.h"
#include "tunnel/uplink_dns.h"

#define RESOLV_CONF	"/etc/resolv.conf"
#define RESOLVED_SOCKET "/run/systemd/resolve/io.systemd.Resolve"

/* The file becomes ours; what was there, a file or a symlink, is kept beside it under another name,
 * the very same one. May be repeated. */
int resolv_file_replace(const char *name, const char *text, struct err *e);
/* Puts it back; what somebody else has written over ours meanwhile stays. Not ours: 0. */
int resolv_file_restore(struct err *e);
bool resolv_file_is_ours(void);

/* systemd-resolved, by D-Bus: all names by this device's servers. */
int resolved_set(const struct default_way *w, struct err *e);
void resolved_revert(const char *dev);
