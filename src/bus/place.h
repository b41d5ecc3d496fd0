/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The place of the helper while it works: of the launch that started it, nothing is kept.
 */
#pragma once

#include "bus/bridge.h"

/* Standard error goes to the journal, whose reader is the user; it stays as it is where there is
 * none. */
void place_journal(void);

/* A scope of the user's own systemd, so that the helper and the bus do not end with the unit, the
 * terminal or the cgroup of whoever happened to be the first. Waits for five seconds at most for
 * each of its steps, and stays where it is if there is no such systemd. */
void place_scope(const struct bridge *b, const char *vpn);
