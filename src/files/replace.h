/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl import --replace`: a VPN that there is gets another file, and keeps its id and settings.
 */
#pragma once

#include "files/confdir.h"
#include "files/source_list.h"

/* Whether that VPN has many servers that `import` has made a directory for; 0: it has one. Their
 * files are replaced, and the JSON is not. *ret_id: the VPN's. */
int replace_check_servers(const struct confdir *d, const char *name, int *ret_id, struct err *e);

/* Whether that VPN may have the source's text in the place of its own NAME.conf; with all that its
 * JSON asks of it. *ret_id: the VPN's. */
int replace_check(const struct confdir *d, const char *name, const struct source *from, int *ret_id,
		  struct err *e);
