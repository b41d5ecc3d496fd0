/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection, in its own process.
 */
#pragma once

#include <stdint.h>

#include "ipc/conn.h"
#include "broker/hints.h"

#define SESSION_IDLE_S	 20 /* a client may take to send its request */
#define SESSION_WAIT_S	 15 /* it may wait for its turn: the client gives up after 20 */
#define SESSION_SERVE_S	 5  /* and the request to be served, or SIGALRM ends the process */

#define SESSION_REFUSE_S 1

/* Both return only to be followed by _exit(2): what a client sent may still be open. */
void session_serve(int sock, struct peer *p, struct hints *hints);
void session_refuse(int sock, const struct peer *p, int code, const char *sentence);
