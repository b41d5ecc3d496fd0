/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that a keeper starts for one errand, beside its loop, and for so long at most. There is
 * no place of the keeper's where it waits for one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct keep_helper {
	pid_t pid; /* 0: none */
	int fd;	   /* a pidfd of it, to poll; -1: none */
	int64_t until_ms;
};

#define HELPER_INIT       \
	{                 \
		.fd = -1, \
	}

/* Starts fn in a child as child_start() does; one that runs limit_ms later is killed at the next
 * wake. 0, or -errno and there is none. */
int helper_start(struct keep_helper *h, int limit_ms, int (*fn)(void *arg), void *arg);
/* Starts vpnctl itself anew, by COMMAND NAME [MORE], without a word on its standard output; it goes
 * on when the keeper ends. */
int helper_exec(struct keep_helper *h, int limit_ms, const char *command, const char *name,
		const char *more);

bool helper_is_over(const struct keep_helper *h); /* there is one, and it has ended or is to end */
int helper_end(struct keep_helper *h);		  /* its status as waitpid(2) has it; none: 0 */
void helper_leave(struct keep_helper *h);	  /* it goes on, and is not known any more */
