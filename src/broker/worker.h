/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that serves one connection after another.
 */
#pragma once

#include <stdbool.h>

#include "ipc/conn.h"

#define WORKER_SENTENCE 96

/* The message by which the server tells a worker of a connection, whose descriptor it carries. Both
 * are one program. */
struct worker_task {
	struct peer peer;		/* without its groups */
	bool alone;			/* nobody else is served */
	int code;			/* 0: serve it; else turn it away with that ... */
	char sentence[WORKER_SENTENCE]; /* ... and this */
};

/* Forks one that can ask the plugger at that descriptor. Returns the caller's end of its channel:
 * the worker writes a byte there when it is done with a connection, and ends when it is closed. */
int worker_start(int plugger_fd, pid_t *ret_pid, struct err *e);

/* Hands the connection on, which is the worker's alone from then on: it touches it only when ours
 * is closed. On an error it is still the caller's. Never blocks: the worker must be idle. */
int worker_give(int channel, const struct worker_task *w, int conn);
