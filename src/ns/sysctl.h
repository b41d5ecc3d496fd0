/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings of another network namespace.
 */
#pragma once

#include "base/err.h"

#define NS_SYSCTL_DIR "/proc/sys/net/"

/* Writes NS_SYSCTL_DIR/KEY (with '/') inside the namespace netns_fd. */
int ns_sysctl_write(int netns_fd, const char *key, const char *value, struct err *e);
