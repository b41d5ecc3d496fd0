/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tunnel device of a VPN, whether the kernel's WireGuard or wireguard-go stands behind it. The
 * encrypted socket stays in the namespace socket_netns_fd (-1: the caller's, which is the host's);
 * the device is in vpn_netns_fd. Needs root.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/model.h"
#include "tunnel/resolve.h"

struct tunnel_dev {
	const char *name;
	int vpn_netns_fd;
	bool userspace; /* tunnel_dev_create() says so */
};

/* Makes and configures the device, and leaves it down and without addresses, in the VPN's
 * namespace. -EEXIST: there is one of that name already, there or in the host's namespace (which
 * is somebody else's and stays). Nothing is left on failure. In userspace, a supervisor process is
 * started, which reads the profile called name itself; the device is to be set up by
 * tunnel_finish() all the same, and to be waited for by tunnel_dev_wait(). */
struct tunnel_birth {
	int socket_netns_fd; /* -1: the caller's */
	uint32_t mtu;
	int32_t supervisor_pid; /* what came of it; 0: none */
};
int tunnel_dev_create(struct tunnel_dev *d, const struct tunnel *t, const struct endpoint_set *es,
		      struct tunnel_birth *b, struct err *e);

/* Waits, for a device that is up, until packets are taken. The kernel's is at once; wireguard-go
 * looks every second whether its device, in another namespace, is up. -ETIMEDOUT, -EADDRINUSE. */
int tunnel_dev_wait(const char *name, const struct tunnel *t, bool userspace, struct err *e);

/* Replaces keys, mark, port and peers of a device that exists. */
int tunnel_dev_configure(const struct tunnel_dev *d, const struct tunnel *t,
			 const struct endpoint_set *es, struct err *e);

/* Gives the peers the endpoints of the set, and leaves all else, sessions too, as it is. */
int tunnel_dev_set_endpoints(const struct tunnel_dev *d, const struct tunnel *t,
			     const struct endpoint_set *es, struct err *e);

/* Has the device send something to each peer that has an endpoint in the set, so that one which
 * answers is seen to: WireGuard itself says nothing before somebody has something to send. */
int tunnel_dev_call(const struct tunnel_dev *d, const struct tunnel *t,
		    const struct endpoint_set *es, struct err *e);

/* Ends the supervisor if there is one, then deletes the device. What is not there is no error.
 * vpn_netns_fd may be -1: the namespace is gone. */
int tunnel_dev_delete(const char *name, int vpn_netns_fd, struct err *e);

struct tunnel_stats {
	bool present;
	bool up;
	bool asked;		 /* what follows is known: WireGuard itself answered */
	int64_t handshake_age_s; /* of the latest over all peers, -1: never */
	uint64_t rx, tx;
	uint16_t keepalive; /* of that peer, 0: off */
	char endpoint[ENDPOINT_TEXT_LEN];
	union wg_endpoint peer; /* the same */
	uint16_t listen_port;
};

/* A device that is not there: 0, with present false. */
int tunnel_dev_stats(const char *name, int vpn_netns_fd, bool userspace, struct tunnel_stats *ret,
		     struct err *e);
