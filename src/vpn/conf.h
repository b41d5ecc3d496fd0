/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wg-quick files as providers hand them out. At least as tolerant as wg-quick(8) in form (CRLF, any
 * case, comma or space lists, '#' comments, repeated keys, a BOM, ';' lines), stricter than wg(8)
 * in values. Reads the one file and touches nothing else; resolves no name.
 */
#pragma once

#include "vpn/model.h"

/* Parses text of len bytes (may hold NULs: refused); file is for messages only. On failure *t is
 * empty and e says "FILE:LINE: KEY: what is wrong". Keys never appear in e or in warnings. */
int conf_parse(const char *file, const char *text, size_t len, struct tunnel *t, struct err *e);

/* Reads path (at most 1 MiB) and parses it; adds the warnings that only the file itself can
 * give: readable by others, a name that makes no interface name. */
int conf_load(const char *path, struct tunnel *t, struct err *e);

/* A legal VPN name made from a file's name ("us-nyc-wg-301.conf" -> "us-nyc-wg-30"): -EINVAL if
 * nothing legal is left. */
int conf_name_from_path(const char *path, char ret[NAME_MAX_LEN + 1]);

/* "10.2.0.2", "10.2.0.0/24", "fd00::1/128" */
int ipaddr_parse(const char *text, struct ipaddr *ret);
