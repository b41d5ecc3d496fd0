/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker's listening socket, and telling whoever started it that it is ready.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* The socket that systemd passed (sd_listen_fds(3)), *ret_activated; else one made at path, mode
 * 0666. A stale socket there is replaced, anything else refused. */
int listen_open(const char *path, bool *ret_activated, struct err *e);

/* *ret is a socket connected to $NOTIFY_SOCKET, -1: there is none. For use after confinement. */
int listen_notify_open(int *ret, struct err *e);

/* READY=1 to notify_fd, a newline to ready_fd; either may be -1; both are closed. */
void listen_notify_ready(int notify_fd, int ready_fd);
