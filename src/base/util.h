/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scope guards, whole-file reads and writes. Knows nothing of VPNs or netlink.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

void util_close(int *fd); /* keeps errno; -1 is nothing */
void util_free(void *p);  /* p points to the pointer */
#define AUTO_CLOSE __attribute__((cleanup(util_close)))
#define AUTO_FREE  __attribute__((cleanup(util_free)))

static inline int take_fd(int *fd)
{
	int out = *fd;

	*fd = -1;
	return out;
}

/* Opens for reading a regular file, or a link to one. Anything else, which could be waited for
 * without an end or do something by being opened, is refused with a sentence. The one way to open
 * what somebody else may have put there: configuration, keys, what belongs to the host. */
int file_open(const char *path, struct err *e);
/* The same for what a user names on a command line, where a pipe may be meant: "-" or /dev/stdin is
 * standard input, whatever it is, and /dev/fd/N may be a pipe. */
int file_open_named(const char *path, struct err *e);

/* Reads at most max bytes; -EFBIG if the file is larger. *ret is NUL-terminated and the caller's to
 * free; *ret_len (may be NULL) does not count the NUL. */
int file_read(const char *path, size_t max, char **ret, size_t *ret_len, struct err *e);
int file_read_named(const char *path, size_t max, char **ret, size_t *ret_len, struct err *e);
int file_read_fd(int fd, size_t max, char **ret, size_t *ret_len);

/* Writes into an existing file (a sysctl, a map): one write(2), no creation. */
int file_write_existing(const char *path, const char *text, struct err *e);

/* Replaces path by a new file of that mode and owner root, through "PATH.new" and rename(2), so
 * that a reader sees the old or the new whole. Two writers wait for each other. */
int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *e);

/* Writes over path, in place: who has the very file mounted or open sees the new text. The longer
 * of both texts is written at once, so that a reader sees the old or the new but for a crash. What
 * is no file yet is made as by file_replace(). */
int file_rewrite(const char *path, const void *data, size_t len, mode_t mode, struct err *e);

/* 1: something has that name; 0: nothing has; -errno and a sentence: it cannot be told, which is
 * neither. Follows links. Whoever has a safe side takes it in so many words: != 0, > 0. */
int file_is_there(const char *path, struct err *e);

/* Removes path, and what a killed file_replace() left beside it. Absent: 0. */
int file_remove(const char *path, struct err *e);
/* Removes what killed file_replace()s have left in a directory that is root's alone, whatever they
 * were to write: whoever is still at it holds a lock, and keeps what it has begun. */
void file_clear_begun(const char *dir);

/* mkdir -p; a directory that exists keeps its mode. */
int dir_make(const char *path, mode_t mode, struct err *e);

/* write(2) until all of it is out; -errno. */
int fd_write_all(int fd, const void *data, size_t len);

/* Wipes what held a key; not optimised away. */
void util_wipe(void *p, size_t len);

/* No core dump of this process or its children: -1 and errno. To the kernel a limit of 1, and not
 * one of 0, means that not even the program in core_pattern is fed; but sudo leaves a limit of 0,
 * which cannot be raised without CAP_SYS_RESOURCE. */
int util_forbid_cores(void);

/* FNV-1a, to notice what changes by chance: h is DIGEST_INIT or what the last call returned. */
#define DIGEST_INIT 0xcbf29ce484222325u
uint64_t digest_bytes(uint64_t h, const void *data, size_t len);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t util_now_ms(void);
