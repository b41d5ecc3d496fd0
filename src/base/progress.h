/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command that takes more than a second says on the terminal what it waits for, in a line that is
 * gone when it is over. A child paints it, so that nobody who waits has to wake for it, in whatever
 * call that is. Without a terminal as standard error nothing is done, but for a lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
	struct progress *outer;
	bool is_on;
	int64_t since_ms;
	int limit_s; /* 0: nobody knows how long it may take */
	char text[200];
};

#define PROGRESS_INIT         \
	{                     \
		.outer = NULL \
	}
#define AUTO_PROGRESS __attribute__((cleanup(progress_end))) struct progress

/* It is shown until progress_end(), or until the next one begins within it. The program's name is
 * put before the text, and how long it takes behind it. limit_ms: how long it may take, 0: not
 * known. */
void progress_begin(struct progress *p, int limit_ms, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for who has waited since then, and looks again and again: does nothing before it has
 * taken a second, nor a second time. For where a process of ours for each wait would cost too much.
 */
void progress_late(struct progress *p, int64_t since_ms, int limit_ms, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Does nothing to one that has not begun. */
void progress_end(struct progress *p);

/* Whether there is a terminal to show it on. */
bool progress_is_seen(void);
/* For good: the caller's output is for a program. */
void progress_forbid(void);

/* flock(2), exclusively, however long another has it: on a terminal it is shown who has it, and
 * elsewhere, after ten seconds, a line says so. what: what is locked. Returns 0 or -errno. */
int progress_lock(int fd, const char *what);
