/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inherited descriptors: which of them a confined program may keep.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/err.h"

/* Makes sure that 0, 1 and 2 are taken, by /dev/null until exec where the caller closed them, so
 * that no descriptor of ours ever becomes somebody's standard error. */
int box_fds_guard_stdio(struct err *e);

/* -EINVAL if a standard stream is something else than a file, a pipe, a terminal, /dev/null and its
 * kin, or a socket: a directory leads around every mask by /proc/self/fd/0, a namespace or a device
 * is a door. keep[] names what is accepted whatever it is. Needs the streams guarded as above. */
int box_fds_check_stdio(const int *keep, size_t n_keep, struct err *e);

/* Must be called before anything else is opened. Closes what was inherited above 2 but regular
 * files, pipes, terminals and /dev/null and its kin; keep[] names what stays whatever it is
 * (-EBADF: not open). *ret_closed: how many were closed. Needs /proc. */
int box_fds_filter(const int *keep, size_t n_keep, unsigned int *ret_closed, struct err *e);

/* Pure but for the questions it asks of fd; exposed for the tests. */
bool box_fds_is_harmless(int fd, const struct stat *st);
