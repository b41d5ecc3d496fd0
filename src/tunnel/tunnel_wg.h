/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tunnel in WireGuard's own terms. Points into the tunnel, which must outlive it; copies no key.
 */
#pragma once

#include "nl/wg.h"
#include "conf/model.h"
#include "tunnel/resolve.h"

struct tunnel_wg {
	struct wg_device dev;
	struct wg_peer *peers;
	struct wg_allowed *allowed;
};

int tunnel_wg_make(const char *name, const struct tunnel *t, const struct endpoint_set *es,
		   struct tunnel_wg *ret, struct err *e);
void tunnel_wg_free(struct tunnel_wg *w);
