/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user's program that is told of the forwarded port: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct forward_hook {
	const char *name; /* of the VPN */
	char *user;	  /* "": nobody is told */
	char *command;
	const uint16_t *ports; /* TCP, UDP; 0: none */
	pid_t pid;	       /* 0: none runs */
	int fd;		       /* -1: none */
	int64_t until;
	bool again;
};

/* Runs it with the ports as arguments; after the one that runs, if one does. */
void forward_hook_run(struct forward_hook *h);
/* Reaps it, by force if it has not ended. */
void forward_hook_end(struct forward_hook *h, bool again);
