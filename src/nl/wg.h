/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's WireGuard by generic netlink. The socket (NETLINK_GENERIC) must be of the namespace
 * where the device is now, not of that where it was born. Needs CAP_NET_ADMIN there.
 *
 * struct wg_device and what it points to are the caller's; they hold keys.
 */
#pragma once

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nl/sock.h"

#define WG_KEY_LEN 32

/* family 0: none */
union wg_endpoint {
	sa_family_t family;
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* A struct in_addr or in6_addr, of one that has a family. */
static inline const void *wg_endpoint_addr(const union wg_endpoint *ep)
{
	return ep->family == AF_INET6 ? (const void *)&ep->in6.sin6_addr
				      : (const void *)&ep->in.sin_addr;
}

struct wg_allowed {
	uint16_t family;
	uint8_t plen;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
};

struct wg_peer {
	const uint8_t *public_key;
	const uint8_t *psk; /* NULL: none */
	union wg_endpoint endpoint;
	uint16_t keepalive; /* seconds, 0: off */
	const struct wg_allowed *allowed;
	size_t n_allowed;
};

struct wg_device {
	const char *name;
	const uint8_t *private_key;
	uint16_t listen_port; /* 0: the kernel chooses */
	uint32_t fwmark;      /* 0: none */
	const struct wg_peer *peers;
	size_t n_peers;
};

/* The place at which a builder stands that spreads a device over several messages. Starts
 * zeroed. */
struct wg_cursor {
	size_t peer;
	size_t allowed; /* of that peer: those before it are sent */
	bool begun;	/* the device's own attributes are sent */
	bool peer_begun;
};

/* Builds the next message into m (which is emptied) as far as room bytes of it reach. Returns 1 if
 * more must follow, 0 if this was the last, -EMSGSIZE if room is too small for anything. */
int wg_put_device(struct nl_msg *m, size_t room, uint16_t family, const struct wg_device *d,
		  struct wg_cursor *at);

/* Replaces the whole configuration: key, port, mark, peers. The device stays up or down. */
int wg_device_set(struct nl_sock *s, const struct wg_device *d, struct err *e);

/* Gives peers that exist (by public_key) another endpoint, and changes nothing else: sessions go
 * on. Those of family 0 are passed over. */
int wg_endpoints_set(struct nl_sock *s, const char *name, const struct wg_peer *peers, size_t n,
		     struct err *e);

/* Has each peer that has an endpoint sent an empty packet, and with it the first of a handshake if
 * there is no session. WireGuard sends one when keepalives are switched on: they are switched to
 * what they were before in the same message, so that whoever is killed here leaves nothing
 * changed. */
int wg_peers_call(struct nl_sock *s, const char *name, const struct wg_peer *peers, size_t n,
		  struct err *e);

struct wg_stats {
	uint16_t listen_port;
	size_t n_peers;
	int64_t handshake;	    /* seconds since the epoch, of the latest; 0: never */
	uint64_t rx, tx;	    /* bytes, over all peers */
	uint16_t keepalive;	    /* of the peer below */
	union wg_endpoint endpoint; /* of the peer with the latest handshake, else of the first */
	bool has_ipv4, has_ipv6;    /* an endpoint of any peer is of that family */
};

struct wg_peer_numbers {
	union wg_endpoint endpoint;
	int64_t handshake; /* as in struct wg_stats */
	uint64_t rx, tx;
	uint16_t keepalive;
};
void wg_stats_add(struct wg_stats *st, const struct wg_peer_numbers *p);

/* Keys are not read. -ENODEV, -EOPNOTSUPP (no WireGuard device). */
int wg_device_get(struct nl_sock *s, const char *name, struct wg_stats *ret, struct err *e);

/* Whether that device has this private key, which is as the kernel keeps it (wgkey_clamp()). The
 * device's is compared where it came, and wiped. False where it cannot be asked. */
bool wg_device_has_key(struct nl_sock *s, const char *name, const uint8_t key[WG_KEY_LEN]);

/* One message of the answer; for wg_device_get() and tests. -EPROTO: malformed. */
int wg_parse_device(const struct nlmsghdr *nlh, struct wg_stats *st);
