/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection, in a worker.
 */
#pragma once

#include <stdbool.h>

#include "broker/plugger.h"
#include "ipc/conn.h"

#define SESSION_IDLE_S	 20 /* a client may take to send its request */
#define SESSION_WAIT_S	 15 /* it may wait for its turn: the client gives up after 20 */
#define SESSION_SERVE_S	 5  /* and the request to be served, or SIGALRM ends the process */
#define SESSION_PLUG_S	 15 /* beside it, as the plugger serves one request after the other */
#define SESSION_REFUSE_S 1

/* -1; or a descriptor that the client sent and that to close may take for ever: it is the caller's,
 * who must have nothing else to do by then. sock stays the caller's. alone: no other connection is
 * served. */
int session_serve(int sock, struct peer *p, bool alone, struct plugger *plugger);
void session_refuse(int sock, const struct peer *p, int code, const char *sentence);
/* Once sock is closed: the last close of what a client has sent and nobody took, a socket that
 * lingers, is within the deadline of the session, too. Not called where a bad descriptor is left.
 */
void session_end(void);
