/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sandbox's /etc: the host's, with a layer of our own files above it.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* Fills the empty directory layer (an absolute path on a file system of the sandbox's own) with
 * what must differ: resolv.conf with that text, nsswitch.conf, the lines that passwd, group and
 * hosts lack, and the user's own copies of what
 * ssh would refuse because it looks like nobody's. */
int ns_etc_fill(const char *layer, const char *resolv_conf, bool copy_ssh, struct err *e);

/* Puts the layer above /etc, read-only: as an overlay, or where the kernel makes none, as a copy of
 * /etc below the empty directory spare, whose entries are the host's at this moment. *ret_copied
 * says which. look_below: ask first whether something is mounted below /etc, which an overlay of
 * root's would hide. */
int ns_etc_mount(const char *layer, const char *spare, bool look_below, bool *ret_copied,
		 struct err *e);
