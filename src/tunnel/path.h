/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tunnel's MTU by wg-quick(8)'s rule: the path to the endpoint less 80 bytes.
 */
#pragma once

#include "conf/model.h"
#include "tunnel/resolve.h"

#define PATH_OVERHEAD 80 /* IPv6 header, UDP, WireGuard */

/* The largest MTU among the ways to the endpoints, else that of the default route, else 1500. Reads
 * the routes of the namespace that the caller is in. */
int path_read(const struct endpoint_set *es, uint32_t *ret, struct err *e);

/* Pure: what the file wants, never more than fits the path, at least 1280 if there is an IPv6
 * address. Where that is not what the file says, or the path is too small, note (may be NULL) is
 * a sentence for the user. */
uint32_t path_choose(const struct tunnel *t, uint32_t path, struct err *note);

/* Both. On success *e, if its msg is not empty, holds the note, with code 0. */
int path_mtu(const struct tunnel *t, const struct endpoint_set *es, uint32_t *ret, struct err *e);
