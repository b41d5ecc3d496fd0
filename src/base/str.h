/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded strings, and which names are possible.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies src, or fails with -E2BIG and leaves dst empty: a cut name is another name. */
int str_copy(char *dst, size_t size, const char *src);

/* Like snprintf, but -E2BIG when it does not fit. */
int str_fmt(char *dst, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Whole decimal number within [min, max], no sign, no space, nothing after it. -EINVAL. */
int str_uint(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *end);

/* A possible name of a VPN: letters, digits, '-' and '_', starting with a letter or digit, 1 to 15
 * characters (the name of its tunnel), and none of the reserved words. */
#define NAME_MAX_LEN 15
bool str_is_vpn_name(const char *s);
bool str_is_reserved(const char *s);

/* The name of a device that a VPN has beside its tunnel, whole, and never another VPN's: "br-NAME",
 * or "br.ID" where that would be longer than a device's name can be. No VPN's name has a dot. */
void str_device_of(const char *kind, const char *name, int id, char ret[16]);

/* A possible name of a device that is not the loopback: 1 to 15 letters, digits and "_=+.-", not
 * beginning with '-'. The kernel takes more; such names are trouble in a shell and in nft(8). */
bool str_is_device_name(const char *s);

bool str_is_alnum(char c); /* of ASCII, whatever the locale */
