/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record says what was wrapped, how, and which files and directories that made. It is written
 * before any of them, so that a wrap which is killed is undone by the next command, wherever the
 * user's directories are by then.
 */
#pragma once

#include "wrap/plan.h"

#define WRAP_PATHS_MAX 4000

struct wrap_paths {
	char **at;
	size_t n;
};

struct wrap_record {
	bool is_there;
	char vpn[NAME_MAX + 1], policy[NAME_MAX + 1]; /* "" for none */
	bool profile;
	struct wrap_paths files, dirs;
};

/* Reads what there is of the job's program; without a record, what an older release has made. */
int wrap_record_read(const struct wrap_job *j, struct wrap_record *ret, struct err *e);

/* Writes it, with the record's own directories among those that were made. */
int wrap_record_write(const struct wrap_job *j, struct wrap_record *r, struct err *e);

int wrap_record_remove(const struct wrap_job *j, struct err *e);

/* Adds a path that is not among them yet. */
int wrap_paths_add(struct wrap_paths *p, const char *path, struct err *e);

/* Adds those of a file's directories that are not there yet, the outermost first. */
int wrap_record_missing(struct wrap_record *r, const char *path, struct err *e);

void wrap_record_free(struct wrap_record *r);

/* One wrap or unwrap of a user's at a time, whatever the program: they look first, and what another
 * makes in between would be in nobody's record. Waits for the other, and says so. The lock is
 * a file in the home directory that is there as long as somebody holds it. */
struct wrap_lock {
	int fd; /* -1: not held */
	char path[PATH_MAX];
};
#define WRAP_LOCK_INIT    \
	{                 \
		.fd = -1, \
	}

/* is_look: who only looks waits for those who write, and makes no file. */
int wrap_lock_take(const struct wrap_job *j, bool is_look, struct wrap_lock *ret, struct err *e);
void wrap_lock_release(struct wrap_lock *l);
