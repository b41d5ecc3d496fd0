/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The launcher's half of the session bus of a VPN's own: a socket that listens before anybody runs
 * behind it, and vpnrun-session, which is started once for a session and told of each launch. No
 * launch waits for either.
 */
#pragma once

#include "base/err.h"
#include "session/session.h"

/* Before the namespaces are made: joins the session, whose helper is started if none lives.
 * *ret_conn is for session_bus_tell() and then to be closed; -1: the session outside has no bus,
 * so neither has the VPN's. broker may be NULL. On failure there is no bus: nothing else fails. */
int session_bus_join(const struct session *s, const char *broker, int *ret_conn, struct err *e);

/* When there is a network of the sandbox's own: which one it is. netns may be -1: the caller's. */
void session_bus_tell(int conn, int netns);
