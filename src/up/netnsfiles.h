/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /etc/netns/NAME/{resolv.conf,nsswitch.conf}, which `ip netns exec` and confined services mount
 * over the host's. A file there that is not ours is the administrator's and stays.
 */
#pragma once

#include "base/err.h"
#include "want/want.h"

int netnsfiles_check(const char *name, struct err *e); /* before anything is touched */
/* Writes in place: containers have the very file mounted, and see what has changed. */
int netnsfiles_write(const char *name, const char *resolv_conf, struct err *e);
/* The texts as they would be written. */
int netnsfiles_want(const char *name, const char *resolv_conf, struct want_list *l, struct err *e);
int netnsfiles_remove(const char *name, struct err *e);
