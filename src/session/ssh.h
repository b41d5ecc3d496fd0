/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ssh's shared connections: a client hands its session over to a master that may run outside. And
 * its agents, which hold keys.
 */
#pragma once

#include "base/err.h"
#include "session/session.h"

/* In the sandbox's mount namespace, when its /run is there: where the user's ~/.ssh/config speaks
 * of shared connections, ssh finds and makes them in the session's directory only. home may be
 * NULL. */
int session_ssh_cover(const struct session *s, const char *home, struct err *e);

/* Opens the agents that ~/.ssh/config names by a path (IdentityAgent), as what a variable names is:
 * they stay. As many as there is room for; what is not there, or no socket, is left out. */
void session_ssh_agents(struct session *s, const char *home);
