/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports that an engine publishes by its own syntax, for containers that common/wire.h has plugged.
 */
#pragma once

#include <jansson.h>

#include "common/wire.h"
#include "relay/ports.h"

/* How an engine names what it maps. */
struct publish_keys {
	const char *host_ip, *host_port, *container_port, *protocol, *range;
};

/* Reads a list of mappings (NULL, null: none). As engines mean it, no address is all addresses.
 * What cannot be carried (SCTP, port 0) is refused. */
int publish_read(const json_t *list, const struct publish_keys *k, struct relay_specs *ret,
		 struct err *e);

/* Serves them from the caller's network, all or none, until that cable is unplugged. A port that is
 * taken is -EADDRINUSE and a sentence. */
int publish_serve(const struct relay_specs *s, const struct wire *w, const struct wire_ends *ends,
		  struct err *e);
