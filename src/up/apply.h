/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bringing a VPN of the netns layout up and down. Both may be repeated, finish what a killed run
 * left, and undo in reverse what a failed step leaves half-made. Root.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "conf/model.h"
#include "up/hold.h"

/* Brings up, or brings a VPN that is up already to the profile's present state. note (may be NULL)
 * gets a sentence where the user should know something, else stays empty. Waits while another up or
 * down of the same VPN runs. May block on name resolution. */
int vpn_up(const struct profile *p, struct err *note, struct err *e);

/* vpn_up() of a VPN that is lost, or is up and has lost its supervisor or any object that it
 * consists of; any other, and above all one that was taken down, is left alone: 1. */
int vpn_revive(const struct profile *p, struct err *note, struct err *e);

/* Makes all of it but the tunnel: it is closed, and containers may be plugged in, until an `up`
 * fills it; and whatever takes it down again leaves it so. One that is up stays up. Asks nobody for
 * a name, and needs no uplink. */
int vpn_hold(const struct profile *p, struct err *e);

/* As vpn_up(), with a new tunnel in the same namespace: who is inside stays inside, refused until
 * the new tunnel is up. What can be checked is checked first, while the old tunnel still works. */
int vpn_restart(const struct profile *p, struct err *note, struct err *e);

/* vpn_up() of one that is up, to go on by another server: p is the same VPN with another of its
 * files. Who is inside stays inside, and is at no moment without the one list or the other. One
 * that is not up, as somebody may have taken it down meanwhile, is left alone: 1. */
int vpn_switch(const struct profile *p, struct err *note, struct err *e);

/* Takes the tunnel away. The namespace and its bridge stay, closed, while a lease is held or a
 * process lives in them, or the VPN is held; unless force, which cuts the cables first. */
int vpn_down(const char *name, bool force, struct down_report *ret, struct err *e);

/* The end of vpn_hold(). What is not up goes, as by vpn_down(); of one that is up, *ret says that
 * it is kept. */
int vpn_unhold(const char *name, struct down_report *ret, struct err *e);
