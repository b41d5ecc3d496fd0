/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of a runtime: which of its arguments is the command, and what the ones mean that
 * say what is started.
 */
#pragma once

#include "base/err.h"

struct call {
	char **argv; /* as the real runtime is called; [0] its name */
	int argc;
	int verb;	     /* its place, argc: none */
	const char *spec;    /* --vpnrun=, NULL: by annotation only */
	const char *bundle;  /* of create, run and restore */
	const char *process; /* of exec: the file that says what to start, NULL: as config.json */
	const char *log_format;
	const char *log; /* --log with --log-format json, where the engine looks for errors */
};

/* Edits argv. -EINVAL: something is not known. What was understood until then is in ret. */
int call_parse(int argc, char **argv, struct call *ret, struct err *e);
