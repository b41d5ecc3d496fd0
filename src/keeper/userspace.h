/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tunnel of a kernel without WireGuard: a wireguard-go that the supervisor runs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "conf/model.h"
#include "tunnel/resolve.h"

struct userspace {
	const char *name; /* of the device */
	uint32_t mtu;
	bool quiet; /* what it says is nobody's to read */
	pid_t pid;  /* 0: none runs */
	int fd;	    /* a pidfd of it, -1: none */
	int64_t since;
	int ifindex;	    /* that the device had where it was born */
	uint16_t want_port; /* ListenPort, to be set once wireguard-go is up; 0: nothing to do */
	int64_t port_at;    /* when to look next */
	bool port_taken;    /* it was in use: wireguard-go has none at all until it gets it */
};

/* On failure there may be one all the same: userspace_end(). */
int userspace_start(struct userspace *u, const struct tunnel *t, const struct endpoint_set *es,
		    int vpn_netns_fd, struct err *e);
void userspace_end(struct userspace *u); /* accepts one that does not run */

/* After it has ended by itself. True: it had lived as long as a good start does. */
bool userspace_reap(struct userspace *u);

/* wireguard-go hears at once of its device's state only in its own namespace; for one elsewhere it
 * looks every second. What it would hear is sent to it, and to nobody else. Should it not listen
 * as expected, it finds out at its next look. Never before the device is up: it must not be told
 * what is not so. */
void userspace_nudge(const struct userspace *u);
/* The same, and waits until it has taken its device up, or for two seconds. */
int userspace_take_up(const struct userspace *u, struct err *e);

/* Gives it the port that it is to have, if it is up. When to look next is in port_at. */
void userspace_set_port(struct userspace *u);
