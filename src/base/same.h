/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether two names or descriptors lead to one thing, be it a file or a namespace. The number of an
 * inode alone says nothing: another device may have the same.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

static inline bool same_numbers(const struct stat *st, uint64_t dev, uint64_t ino)
{
	return st->st_dev == dev && st->st_ino == ino;
}

static inline bool same_stat(const struct stat *a, const struct stat *b)
{
	return same_numbers(a, b->st_dev, b->st_ino);
}

/* False, too, where one of the two cannot be looked at. */
static inline bool same_fd_path(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && same_stat(&a, &b);
}

static inline bool same_paths(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && same_stat(&x, &y);
}
