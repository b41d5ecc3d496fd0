/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WireGuard's cross-platform interface (https://www.wireguard.com/xplatform/): what wireguard-go
 * listens for at /run/wireguard/NAME.sock. The same as nl/wg.h, as text. Needs root.
 */
#pragma once

#include "nl/wg.h"

#define UAPI_DIR   "/run/wireguard"
#define ASK_PREFIX "ask" /* and a number: who is asked beside a tunnel (keeper/ask.h) */

int uapi_path(const char *name, char *ret, size_t size);

/* Whether something answers there; removes a socket that nobody listens on. */
bool uapi_is_alive(const char *name);
void uapi_remove_stale(const char *name);

/* Both give a device endpoints, and nothing else does: see uapi_check_endpoints(). */
int uapi_device_set(const char *name, const struct wg_device *d, struct err *e);
/* Does what wg_endpoints_set() does. */
int uapi_endpoints_set(const char *name, const struct wg_peer *peers, size_t n, struct err *e);
/* Does what wg_peers_call() does. */
int uapi_peers_call(const char *name, const struct wg_peer *peers, size_t n, struct err *e);
/* -EADDRINUSE: another program has that UDP port. */
int uapi_port_set(const char *name, uint16_t port, struct err *e);
/* -ENOENT, -ECONNREFUSED: nobody is there. */
int uapi_device_get(const char *name, struct wg_stats *ret, struct err *e);

/* Does what wg_device_has_key() does. */
bool uapi_device_has_key(const char *name, const uint8_t key[WG_KEY_LEN]);

/* Pure: whether wireguard-go, whose device is in that state, may be given these endpoints. Since
 * 0.0.20230223 it keeps the buffers in which it hands addresses to the kernel. One that has held an
 * IPv4 address takes only 4 bytes of an IPv6 one, and the rest is what it held before: what is sent
 * goes to a stranger. -EAFNOSUPPORT: only a fresh one may have them. -EPFNOSUPPORT: none may. */
int uapi_check_endpoints(const struct wg_stats *is, const struct wg_peer *peers, size_t n,
			 struct err *e);

/* Pure: the same of endpoints that are not given yet: -EPFNOSUPPORT, or 0. */
int uapi_check_families(const union wg_endpoint *at, size_t n, struct err *e);

/* The request for a device, the caller's to wipe and free. */
int uapi_format_device(const struct wg_device *d, char **ret, size_t *ret_len);
/* The answer to "get=1". -EPROTO, or the negative errno that the answer holds. */
int uapi_parse_device(const char *text, size_t len, struct wg_stats *ret, struct err *e);
