/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl import --replace`: a VPN that there is gets another file, and keeps its id and settings.
 */
#pragma once

#include "files/confdir.h"
#include "files/source_list.h"

/* Whether that VPN may have the source's text in the place of its own NAME.conf; with all that its
 * JSON asks of it. *ret_id: the VPN's. */
int replace_check(const struct confdir *d, const char *name, const struct source *from, int *ret_id,
		  struct err *e);
