/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tunnel that another program made (wg-quick, NetworkManager, a provider's own) with the private
 * key of a VPN. To the server the two are one client.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>

#include "conf/model.h"

/* Whether a WireGuard device of the caller's namespace that is no VPN's has t's key, the kernel's
 * or one that listens in /run/wireguard; name is the asking VPN's. Only compares; what cannot be
 * asked is passed over. Needs root. */
bool tunnel_twin_find(const char *name, const struct tunnel *t, char ret[IFNAMSIZ]);
