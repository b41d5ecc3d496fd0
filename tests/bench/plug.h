/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The benchmark's hand in a VPN's namespace: plugs cables for the floor programs and for the
 * sandboxes that are merely there, and sees when a namespace's remains are gone.
 */
#pragma once

#include "nl/sock.h"
#include "state/record.h"

#define PLUG_KEPT    10 /* numbers at the pool's end, for who plugs himself */
#define PLUG_AT_ONCE 64

struct plug {
	struct record r;
	struct lease_pool pool;
	int vpn_fd;
	struct nl_sock here;  /* in the host's namespace */
	struct nl_sock there; /* in the VPN's */
};

int plug_open(struct plug *p, const char *vpn, struct err *e);

/* The host number that is kept for competitors which plug themselves. */
uint32_t plug_hand_host(const struct plug *p);

/* A process that answers cable.h's requests until its socket is closed; returns our end of it. It
 * has that many numbers, down from the top. */
int plug_serve(const struct plug *p, uint32_t top, uint32_t count, struct err *e);

/* A process that holds n sandboxes, with up and configured cables, until *ret_fd is closed. */
int plug_hold(const struct plug *p, unsigned int n, int *ret_fd, struct err *e);

/* One cable for the namespace at that path, configured: what no plugin can go below. The caller is
 * in that namespace then. */
int plug_into(struct plug *p, const char *path, struct err *e);

/* Waits until exactly n ports are left: the kernel takes a dead namespace apart long after the
 * process is reaped, with the lock that every launch needs. */
int plug_settle(struct plug *p, unsigned int n, struct err *e);

/* How many ports there are now. */
int plug_count(struct plug *p, struct err *e);
