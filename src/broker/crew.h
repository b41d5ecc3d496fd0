/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The workers of broker/server.c: which of them serves whom.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/conn.h"

#define CREW_SIZE 256 /* of all kinds, those that cannot end among them */

enum crew_kind {
	CREW_SERVES,
	CREW_WAITS, /* serves, but was started before there was anything to read */
	CREW_REFUSES,
};

struct crew_child {
	pid_t pid;
	int channel; /* -1: closed, and the process is about to end or hangs */
	bool busy;   /* the rest is about what it is doing */
	enum crew_kind kind;
	bool stuck; /* past its deadline and still there: only its own user pays for it */
	struct peer peer;
	int64_t end_ms;
};

struct crew {
	struct crew_child children[CREW_SIZE];
	size_t n;
	int plugger_fd; /* for those that are made */
};

/* Gives fd to a worker that is idle, or to a new one; it is then no more the caller's. -EAGAIN: not
 * now, it still is. code and sentence are for CREW_REFUSES. */
int crew_start(struct crew *c, enum crew_kind kind, int fd, const struct peer *peer, int code,
	       const char *sentence);

/* That one's channel is readable: it is done, or is about to end. */
void crew_hear(struct crew *c, size_t i);

/* Collects those that ended, logs those that were killed. */
void crew_reap(struct crew *c);

/* Finds those that should have ended and did not. */
void crew_check(struct crew *c, int64_t now_ms);

/* Whether there is room for one more of that kind, for that user (struct peer's owner). */
bool crew_has_room(const struct crew *c, enum crew_kind kind, uid_t owner);

/* Those that do something, stuck or not. */
size_t crew_count_busy(const struct crew *c);

/* Those that serve a user, stuck or not; the most that there may be. */
#define CREW_PER_USER 16
size_t crew_count_user(const struct crew *c, uid_t owner);
