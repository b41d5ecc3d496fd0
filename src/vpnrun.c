/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnrun(1): runs one command in a network that has no way out but a VPN. Needs no privilege and
 * has none: no setuid bit, no file capability. This file reads the line, calls launch/ and says
 * what went wrong.
 */
#include <stdio.h>

#include "base/log.h"
#include "launch/launch.h"
#include "line/options.h"

int main(int argc, char **argv)
{
	struct line_options o;
	struct err e = ERR_INIT;
	int status;

	log_program = "vpnrun";
	if (argc < 2) {
		fputs(line_usage, stderr);
		return LAUNCH_FAILED;
	}
	if (line_parse(argc, argv, &o, &e) < 0) {
		log_error("%s", e.msg);
		return LAUNCH_FAILED;
	}
	if (o.help || o.version) {
		fputs(o.help ? line_usage : "vpnrun " VPNRUN_VERSION "\n", stdout);
		return fflush(stdout) == 0 ? 0 : LAUNCH_FAILED;
	}
	log_verbose = o.verbose;
	status = launch_run(&o, &e);
	log_error("%s", e.msg);
	launch_notify(&o, status, e.msg);
	return status;
}
