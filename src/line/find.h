/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network that the line names.
 */
#pragma once

#include "base/err.h"
#include "state/record.h"

enum line_network { LINE_NONE, LINE_HOST, LINE_VPN };

/* *ret_record is filled for a VPN, which is up; otherwise zeroed. */
int line_find(const char *vpn, enum line_network *ret, struct record *ret_record, struct err *e);

/* Adds to what e says already that the word in the VPN's place is a program, if it is one. */
void line_hint_command(const char *vpn, struct err *e);

/* One line where the VPN's keeper has seen that the tunnel is of no use. */
void line_say_dead(const struct record *r);
