/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Children: the one place where this program forks, and how one of them is waited for. A child is
 * known by a descriptor (pidfd), since its number may be another's once it was waited for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Or -errno. */
int child_pidfd(pid_t pid);
int child_signal(int pidfd, int sig);
bool child_wait_pidfd(int pidfd, int timeout_ms); /* true: it has ended */

/* The number behind "FIELD:" in /proc/PID/status (proc_pid_status(5)), in that base: of Uid the
 * real one, of ShdPnd a mask. Any process's, not a child's alone. -ESRCH: there is none, or no such
 * line. */
int child_status(pid_t pid, const char *field, int base, uint64_t *ret);

enum child_flags {
	/* The kernel kills it when the thread that made it ends: it must not go on behind the back
	 * of whoever comes next. */
	CHILD_DIES_WITH_US = 1,
	/* All signals are as they are by default, and none is blocked. */
	CHILD_PLAIN_SIGNALS = 2,
};

/* Makes a child that runs fn and ends with what it returns as its status, without any of the
 * caller's atexit(3). The child's pid, which the caller has to wait for, or -errno. */
pid_t child_start(unsigned int flags, int (*fn)(void *arg), void *arg);

/* Kills it and waits for it; pid 0: nothing. Returns its status as waitpid(2) has it. */
int child_end(pid_t pid);
/* Waits for it, however long it takes. */
int child_reap(pid_t pid);

/* The question that a child is to answer. */
struct child_job {
	/* Runs in the child. Its answer is what it has written to the room at answer; it sets *len.
	 */
	int (*fn)(void *arg, void *answer, size_t *len, struct err *e);
	void *arg;
	void *answer; /* NULL: there is none but the result */
	size_t size;
	int timeout_ms;	    /* -1: as long as it takes; then -ETIMEDOUT */
	const char *silent; /* the sentence for a child that ends without a word: -ECHILD */
	/* Runs here, once for each note of the child's that still stands still_ms after it came.
	 * May be NULL. */
	void (*still)(void *arg, const char *note);
	int still_ms;
};

/* Called in a job: says what it is about to do, in the place of what it said before. */
void child_note(const char *text);

/* Called in a job that becomes another program: where that one writes a struct err, and then the
 * answer. It is closed by exec. */
int child_answer_fd(void);

/* Carries out a job in a child, and waits for it. Returns what fn returned, with its sentence in e.
 */
int child_call(const struct child_job *job, size_t *ret_len, struct err *e);
