/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many files that become one VPN: a directory with each as SERVER.conf (conf/servers.h).
 */
#pragma once

#include "base/str.h"
#include "base/vpn.h"
#include "files/confdir.h"
#include "files/source_list.h"

#define SERVER_DIR_LEN (NAME_MAX_LEN + 9)
/* Of that VPN, in VPN_CONFIG_DIR. */
void server_dir_of(const char *vpn, char ret[SERVER_DIR_LEN]);

/* What a file's server is called: its name without ".conf", with a '-' for what a server's name may
 * not have. */
int server_dir_name(const struct source *from, char ret[SERVER_MAX_LEN + 1], struct err *e);
/* Before anything is written: each has a name, and no two have one. */
int server_dir_check(const struct sources *s, struct err *e);

/* All of it or nothing. -EEXIST: there is something of that name. */
int server_dir_put(const struct confdir *d, const char *vpn, const struct sources *s,
		   struct err *e);

/* In the place of those that there are, all of it or nothing: the chosen one stays the chosen one
 * if it is there yet. adds: those that have other names stay, too. The former ones are beside it
 * until confdir_drop_aside() or server_dir_undo(). */
int server_dir_replace(const struct confdir *d, const char *vpn, const struct sources *s, bool adds,
		       struct err *e);
void server_dir_undo(const struct confdir *d, const char *vpn);
