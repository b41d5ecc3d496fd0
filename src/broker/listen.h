/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker's listening socket, and telling whoever started it that it is ready.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* The socket that systemd passed (sd_listen_fds(3)); -1: none was passed. */
int listen_inherited(struct err *e);

/* Makes one at path, mode 0666; a stale socket there is replaced, anything else refused. */
int listen_make(const char *path, struct err *e);

/* A socket connected to $NOTIFY_SOCKET, -1: there is none. For use after confinement. */
int listen_notify_open(struct err *e);

/* READY=1 to notify_fd, a newline to ready_fd; either may be -1; both are closed. */
void listen_notify_ready(int notify_fd, int ready_fd);
