/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lock that says that a supervisor lives, and the namespace of its VPN.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "conf/model.h"

struct ground {
	const char *name;
	enum vpn_layout layout; /* as it was at the first start */
	int lock_fd;
	dev_t ns_dev; /* of the namespace that this is all for */
	ino_t ns_ino;
};

/* Holds the lock until the process ends, and says so in the file. */
int ground_lock(struct ground *g, struct err *e);
void ground_unlock(struct ground *g);

/* The namespace called NAME, if it is still the one that we began with. It is opened anew each
 * time: a descriptor that is kept would keep it alive. */
int ground_open(struct ground *g, struct err *e);

/* Whether that error of ground_open() says that it is not there any more. */
bool ground_has_gone(int error);

/* The namespace is there, and nobody has taken the lock's file away; true where it cannot be told.
 */
bool ground_is_wanted(struct ground *g);
