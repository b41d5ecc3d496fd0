/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Knows what people have in the place of a WireGuard file: files of other programs, keys that
 * other clients add, characters that web pages and word processors make. Private to the reader of
 * wg-quick files. Pure: words in, half a sentence out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Half a sentence on what the file is, "is a web page, ...", and what to do; NULL: nothing known.
 * By its first bytes, by a section's name, by a line that is none of WireGuard's. */
const char *conf_foreign_file(const char *text, size_t len);
const char *conf_foreign_section(const char *name);
const char *conf_foreign_line(const char *line);

/* A key that another client of WireGuard adds. *ret_left_out: it changes nothing of what goes over
 * the wire, or nothing that matters, and may be left out with that warning; else it may not. NULL:
 * no such key is known. first: half a sentence is wanted for each such client once only. */
const char *conf_client_key(const char *name, const char *value, bool *ret_left_out);

/* Says what a key of AmneziaWG's does, which is WireGuard with other bytes on the wire: bits of
 * AMNEZIA_PLAIN for values by which its packets are WireGuard's own, or AMNEZIA_OTHER. All of
 * AMNEZIA_PLAIN together, and nothing other, are plain WireGuard. -1: it is none of them. */
#define AMNEZIA_PLAIN 0x3f
#define AMNEZIA_OTHER 0x40
int conf_amnezia_key(const char *name, const char *value, const char **ret_name);

/* The first character of text that is not ASCII, in words: "a no-break space (U+00A0)". NULL: there
 * is none. */
#define CONF_ODD_MAX 64
const char *conf_odd_character(const char *text, char buf[CONF_ODD_MAX]);

/* Whether a key's value is but what stands in the place of one. */
bool conf_is_placeholder(const char *value);
