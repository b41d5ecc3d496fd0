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
