/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port that a provider forwards, as its keeper leaves it for everybody to read:
 * RUN_DIR/NAME.port has it ("TCP UDP", or one number for both), RUN_DIR/NAME.natpmp says why there
 * is none.
 */
#pragma once

#include <stdint.h>

#include "state/record.h"

#define FORWARDED_WHY  200
#define FORWARDED_SIZE 32

/* The path of one of the two files: what is "port" or "natpmp". */
void forwarded_path(const char *name, const char *what, char ret[64]);

/* The ports that are forwarded now: TCP, UDP; 0: none. */
void forwarded_ports(const struct record *r, uint16_t ret[2]);
/* Writes the same line where containers see it: the file "port" of a directory of the VPN's own,
 * for a file that is replaced would stay the former one for them. NULL: the directory alone. Root.
 */
int forwarded_share(const char *name, const char *line, struct err *e);
/* Takes the directory away, once nobody is inside. */
void forwarded_unshare(const char *name);
/* Why nothing is, a sentence; "" if nothing is known. */
void forwarded_why(const struct record *r, char ret[FORWARDED_WHY]);
