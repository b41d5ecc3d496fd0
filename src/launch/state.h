/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One launch while it goes on, and its steps. Each step takes what those before it left here, and
 * on failure says why in e; launch_run() closes what is open. Between the files of this room only.
 */
#pragma once

#include "launch/launch.h"
#include "line/find.h"
#include "nl/sock.h"
#include "session/listeners.h"
#include "session/session.h"
#include "session/words.h"

struct launch {
	const struct line_options *o;
	enum line_network network;
	bool root;    /* no user namespace, no broker */
	bool strict;  /* by the line, or by the sandbox that it joins */
	bool by_sudo; /* root's once, the caller's now */
	struct running_state running;
	unsigned int closed_fds;
	int sock;	   /* to the broker, -1: none */
	int netns;	   /* our own new one, -1: none */
	int host_netns;	   /* root: the one we came from, until plugged; -1: none */
	uint32_t host;	   /* the lease, 0: none yet */
	struct nl_sock nl; /* in the new one, once the cable is there */
	struct session session;
	struct listeners listeners;
	int display; /* held for the compositor, -1: none */
	struct relay_sandbox ports;
	struct session_words words;
	int bus; /* to the helper of the session's bus, -1: none */
	struct record record;
	char resolv_conf[NAMES_RESOLV_MAX];
};

/* The host's network has the host's session, and its descriptors are no way out, unless the view is
 * strict. */
static inline bool launch_is_apart(const struct launch *l)
{
	return l->network != LINE_HOST || l->o->strict;
}

/* What the line and the machine allow: filter.c and resolv.c. */
int launch_filter_read(struct launch *l, struct err *e);
/* Keeps to the policy of the sandbox that is joined. */
int launch_filter_join(const struct launch *l, const struct sandbox *s, struct err *e);
/* The filter of the command, NULL: none. */
const char *launch_filter_name(void);
/* Drops the powers and loads the filter: nothing but the command comes after it. */
int launch_filter_enter(struct launch *l, struct err *e);
/* A policy that the line names comes on top of the sandbox's: less is allowed, never more. */
int launch_filter_add(const struct launch *l, const struct sandbox *around, struct err *e);
int launch_resolv_write(struct launch *l, struct err *e);

/* The session, and who listens outside, before the namespaces are made: hide.c. */
int launch_session_open(struct launch *l, struct err *e);
int launch_listeners_list(struct launch *l, struct err *e);
int launch_words_open(struct launch *l, struct err *e);
int launch_bus_join(struct launch *l, struct err *e);
/* These are called in the new mount namespace. */
int launch_view_make(struct launch *l, struct err *e);
int launch_listeners_cover(struct launch *l, struct err *e);
int launch_words_finish(struct launch *l, struct err *e);
/* Signals and sockets of programs outside. */
int launch_scope_enter(struct launch *l, struct err *e);

/* The namespaces and the cable: network.c. */
int launch_broker_connect(struct launch *l, struct err *e);
int launch_namespaces_enter(struct launch *l, struct err *e);
int launch_cable_ask(struct launch *l, struct err *e);
int launch_cable_take(struct launch *l, struct err *e);
int launch_network_set(struct launch *l, struct err *e);
int launch_cable_wait(struct launch *l, struct err *e);
/* This takes the place of all these. */
int launch_sandbox_join(struct launch *l, struct err *e);
