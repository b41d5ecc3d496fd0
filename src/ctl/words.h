/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers as people say them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* "never", "now", "12 seconds ago", "3 minutes ago", "2 hours ago", "5 days ago" */
void words_age(int64_t seconds, char *ret, size_t size);
/* "0 B", "512 B", "1.5 KiB", "20.0 MiB" */
void words_bytes(uint64_t n, char *ret, size_t size);
