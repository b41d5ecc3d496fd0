/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings of the network: of another namespace, and of a device of ours in this one.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

#define NS_SYSCTL_DIR "/proc/sys/net/"

/* Writes NS_SYSCTL_DIR/KEY (with '/') inside the namespace netns_fd. */
int ns_sysctl_write(int netns_fd, const char *key, const char *value, struct err *e);

/* What a device of ours in the host's namespace must and must not do there; before it is up, and
 * before it has an address. */
int ns_sysctl_guard_device(const char *dev, const char *rp_filter, bool ip6, struct err *e);
