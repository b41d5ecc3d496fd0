/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker's loop: accepts, and gives each connection to a worker.
 */
#pragma once

#include "base/err.h"

/* Serves until SIGTERM or SIGINT, or until nothing happened for idle_s seconds (0: for ever); that
 * the plugger at plugger_fd ends is an error.
 * listen_fd is of type SOCK_SEQPACKET and non-blocking, and stays the caller's. signal_fd is
 * server_signals(). */
int server_run(int listen_fd, int signal_fd, int plugger_fd, unsigned int idle_s, struct err *e);

/* Blocks the signals that server_run() wants and returns a descriptor for them. */
int server_signals(struct err *e);
