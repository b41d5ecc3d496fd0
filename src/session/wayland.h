/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Wayland socket of the sandbox's own, by wp_security_context_v1: the compositor gives whoever
 * connects there no virtual keyboard, no screen copies and no clipboard manager.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct wayland {
	int sock;	  /* to the compositor, -1: none, and the plain socket will do */
	uint32_t manager; /* the global's name, 0: the compositor has none */
	uint32_t last_id; /* of the objects made so far */
};
#define WAYLAND_INIT        \
	{                   \
		.sock = -1, \
	}

/* Asks the compositor at path what it has. Without security contexts, it must offer nothing that
 * reaches other programs: -EPERM otherwise. Waits for at most 5 seconds. */
int wayland_open(struct wayland *w, const char *path, struct err *e);

/* Listens at path and hands the listener to the compositor. It listens for as long as somebody has
 * *ret_held open; what is connected stays. */
int wayland_listen(struct wayland *w, const char *path, const char *app, int *ret_held,
		   struct err *e);

void wayland_close(struct wayland *w);

/* Whether a global of that interface lets a client type into, look at, or lie over others' windows;
 * and whether it is known to be for the client's own windows and input alone. Pure. */
bool wayland_is_dangerous(const char *interface);
bool wayland_is_plain(const char *interface);
