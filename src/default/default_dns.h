/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways that names go on a machine. default/default's alone.
 */
#pragma once

#include "ns/names.h"
#include "state/note.h"
#include "tunnel/uplink_dns.h"

#define RESOLV_CONF	"/etc/resolv.conf"
#define RESOLVED_SOCKET "/run/systemd/resolve/io.systemd.Resolve"

/* The whole of our file, with its first line, by which it is known. Pure. */
#define RESOLV_FILE_MAX (NAMES_RESOLV_MAX + 128)
int resolv_file_text(const char *name, const char *text, char ret[RESOLV_FILE_MAX], struct err *e);
/* The file becomes ours; what was there, a file or a symlink, is kept beside it under another name,
 * the very same one. May be repeated. */
int resolv_file_replace(const char *all, struct err *e);
/* Puts it back; what somebody else has written over ours meanwhile stays. Not ours: 0. */
int resolv_file_restore(struct err *e);
/* 1: ours; 0: not. Whoever cannot tell must neither keep it as the machine's own nor throw away
 * what is kept: then it fails. */
int resolv_file_is_ours(struct err *e);

/* systemd-resolved, by D-Bus: all names by this device's servers. */
int resolved_set(const struct default_way *w, struct err *e);
void resolved_revert(const char *dev);
