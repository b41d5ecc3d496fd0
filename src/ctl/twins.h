/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VPNs that have one private key. To a server that is one client, which the last packet moves:
 * each takes the other's session away, and both look as if the server were silent now and then.
 */
#pragma once

#include <stdbool.h>

#include "conf/model.h"

/* Whether a VPN of VPN_CONFIG_DIR other than that has t's key, and counts(its name) says so (NULL:
 * all count). Files that cannot be read are passed over. Needs root, to read keys. */
bool twins_find(const char *name, const struct tunnel *t, bool (*counts)(const char *name),
		char ret[NAME_MAX_LEN + 1]);

/* Stands behind the names and those of devices: the one sentence of `import` and `up`. */
#define TWINS_SAY                                                                            \
	"has the same private key: to a server the two are one, and each takes the other's " \
	"session away; keep one of them down, or get another key from the provider"
