/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's side of the broker's protocol, for vpnrun and the hooks. Connect before unshare(2):
 * the broker takes the identity of whoever called connect(2), and the socket is not to be seen
 * from inside a sandbox.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/port_map.h"

/* path NULL: PROTO_SOCKET. A descriptor of the caller's, or e says that the broker is not running
 * and how to start it. Blocks only while hundreds of others wait to connect. */
int ipc_connect(const char *path, struct err *e);

/* Asks the broker to plug the network namespace netns_fd into vpn and waits at most 20 s for its
 * answer. *ret_host is the lease's number; on refusal e is the broker's own sentence. One request a
 * connection. */
int ipc_attach(int sock, const char *vpn, int netns_fd, uint32_t *ret_host, struct err *e);

/* What a client may ask for beside the cable itself. */
struct ipc_wish {
	const struct port_maps *expose; /* open these from the VPN's side */
	bool lan;			/* what "allow_lan" opens */
};

/* The two halves of ipc_attach(), for who has something to do while the broker works. */
int ipc_attach_send(int sock, const char *vpn, int netns_fd, const struct ipc_wish *wish,
		    struct err *e);
int ipc_attach_receive(int sock, uint32_t *ret_host, struct err *e);
