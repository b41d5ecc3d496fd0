/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values that both a wg-quick file and a profile hold: addresses, keys, endpoints, names.
 * Text in, data or -EINVAL out; no message, no lookup.
 */
#pragma once

#include "conf/model.h"

/* "10.2.0.2", "10.2.0.0/24", "fd00::1/128". ret->text is NULL. */
int ipaddr_parse(const char *text, struct ipaddr *ret);
/* Adds a copy of *a with its text to a list. -ENOMEM. */
int ipaddr_append(struct ipaddr **list, size_t *n, const struct ipaddr *a, const char *text);
bool ipaddr_overlaps(const struct ipaddr *a, const struct ipaddr *b);
bool ipaddr_contains(const struct ipaddr *net, const struct ipaddr *a);
bool ipaddr_has_host_bits(const struct ipaddr *a); /* 10.0.0.1/8 */
/* Tailscale's addresses (100.64.0.0/10, fd7a:115c:a1e0::/48), to which its own table leads. */
#define TAILSCALE_TABLE 52
extern const struct ipaddr tailnets[2];
bool ipaddr_is_tailnet(const struct ipaddr *a);
int ipaddr_compare(const struct ipaddr *a, const struct ipaddr *b); /* of the prefixes */

/* 44 characters of base64, as wg(8) writes a key: no spare bits, not all zero. */
int wgkey_parse(const char *text, uint8_t ret[WG_KEY_LEN]);
/* Makes of a private key what WireGuard makes of it: keys that differ before may be one. */
void wgkey_clamp(uint8_t key[WG_KEY_LEN]);

/* "host:port", "1.2.3.4:port", "[v6]:port". Fills endpoint, host, port and endpoint_is_name of
 * *peer (what they held is freed). *ret_why says what is wrong, and on success that an IPv6 address
 * stands without brackets, or is NULL. */
int endpoint_parse(const char *text, struct tunnel_peer *peer, const char **ret_why);

/* Something that may stand in resolv.conf's "search" line, or be looked up. */
bool domain_is_valid(const char *text);

/* text for a message: itself if it is short, printable and can be no part of a key, else words
 * that say so. buf is the place for it. */
#define VALUE_SHOW_MAX 80
const char *value_show(const char *text, char buf[VALUE_SHOW_MAX]);
