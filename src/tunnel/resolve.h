/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Endpoint names become addresses here, in the namespace that the caller is in: where the tunnel's
 * socket is to be. Never through the tunnel itself.
 */
#pragma once

#include "nl/wg.h"
#include "conf/model.h"

#define ENDPOINT_OTHERS 16 /* addresses of one name */

/* One for each peer of the tunnel, in order; family 0 for a peer without an endpoint. */
struct endpoint_set {
	union wg_endpoint *at;
	size_t n;
	/* Finds, for a tunnel in which one peer alone has a name, all addresses of that name that
	 * there is a route to, the one in `at` first, IPv4 and IPv6 in turn. */
	union wg_endpoint others[ENDPOINT_OTHERS];
	size_t n_others;
	size_t named; /* which peer that is */
};

void endpoint_set_free(struct endpoint_set *es); /* accepts a zeroed one */

#define RESOLVE_RETRIES 3

/* Is called with each name before it is asked for, in this process, until it is set to NULL. */
void resolve_on_ask(void (*fn)(const char *host));

/* Blocks while DNS does. Address literals never ask DNS. */
int resolve_endpoints(const struct tunnel *t, struct endpoint_set *ret, struct err *e);
/* retries: how often a passing failure is tried again, after 1, 2, 4 ... seconds. */
int resolve_endpoints_retry(const struct tunnel *t, int retries, struct endpoint_set *ret,
			    struct err *e);

/* Pure: the same address and port. */
bool endpoint_is_same(const union wg_endpoint *a, const union wg_endpoint *b);

/* Pure: reorders so that the families alternate, beginning with that of the first, and each keeps
 * its own order. */
void endpoint_interleave(union wg_endpoint *at, size_t n);

/* Pure: where at[n] are of both families, all become of the one that each has, in at or in
 * other[n], IPv4 first; a peer without an endpoint does not count. If there is none, all stay. */
void endpoint_agree(union wg_endpoint *at, const union wg_endpoint *other, size_t n);
/* Pure: leaves those of the others out that are of another family than what other peers have. */
void endpoint_keep_family(struct endpoint_set *es);

/* "203.0.113.1:51820", "[2001:db8::1]:51820", "" for none. */
#define ENDPOINT_TEXT_LEN 64
void endpoint_format(const union wg_endpoint *ep, char ret[ENDPOINT_TEXT_LEN]);
