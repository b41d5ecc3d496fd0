/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command lines as desktop entries, D-Bus services and units of systemd hold them: whether one
 * starts the program, and how it is written behind vpnrun.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "wrap/target.h"

/* What is put into each thing that starts the program. */
struct wrap_cover {
	const struct wrap_target *target;
	const char *prefix;  /* before each command: "/usr/bin/vpnrun mullvad --" */
	const char *options; /* behind the program: a browser's profile, or "" */
	const char *vpn;     /* shown behind a name */
	const char *mark;    /* " made by vpnctl wrap for firefox" */
};

enum wrap_how {
	WRAP_OTHER,  /* does not start the program */
	WRAP_STARTS, /* is the program, or env and the program */
	WRAP_WHOLE,  /* a shell's text, or `nice` and the like: all of it goes behind vpnrun */
	WRAP_SCRIPT, /* a script that does other things, too: it is told of, and left alone */
};

enum wrap_how wrap_judge(const struct wrap_target *t, const char *cmd, size_t len);

/* Writes the command, which WRAP_STARTS or WRAP_WHOLE was said of or which is to go along with one
 * of those, behind the prefix; no end of a line. */
void wrap_put_command(FILE *f, const struct wrap_cover *c, const char *cmd, size_t len);
