/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a server answers, asked beside the tunnel that is in use: by a WireGuard device of its
 * own, in a namespace without a name, whose peers are allowed no address, so that nothing of
 * anybody's can go through it but the handshake. Its encrypted socket is where the tunnel's would
 * be, with the tunnel's mark. It is gone with whoever asks, however that ends. Root.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/model.h"
#include "keeper/userspace.h"
#include "tunnel/resolve.h"

struct ask {
	char device[IF_NAMESIZE];
	int ns_fd, socket_fd;
	bool userspace;
	struct userspace go;
	struct tunnel tunnel; /* without AllowedIPs; what it points to is the profile's */
	struct tunnel_peer *peers;
	struct endpoint_set endpoints;
	size_t at;	  /* which of the name's addresses is asked */
	int64_t since_ms; /* since when */
};

#define ASK_INIT                                                \
	{                                                       \
		.ns_fd = -1, .socket_fd = -1, .go = {.fd = -1}, \
	}

/* Never of the far end that is in use, with the same key: it would take the tunnel's session away.
 * p stays the caller's, and has to live as long. n tells several at once apart. Closed by
 * ask_end(), also when it has failed. Blocks on name resolution. */
int ask_begin(struct ask *a, const struct profile *p, unsigned int n, struct err *e);
/* Looks once; never waits. True: it has answered. */
bool ask_look(struct ask *a);
void ask_end(struct ask *a);

/* Asks one, and waits for it: 1, 0 (it is silent), or -errno. */
int ask_wait(const struct profile *p, int timeout_ms, struct err *e);

/* Takes away the sockets of those who were asked by somebody who was killed. */
void ask_clear(void);
