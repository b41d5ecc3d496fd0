/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a seccomp program on paper: what would the kernel answer to this call?
 */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

/* SECCOMP_RET_* with its data; KILL_PROCESS for a program the kernel would not load. */
uint32_t policy_sim(const struct sock_filter *prog, size_t n, const struct seccomp_data *data);
