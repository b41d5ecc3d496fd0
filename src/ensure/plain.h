/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tunnel as the text of a wg-quick file again: in one form, and without its keys. Pure.
 */
#pragma once

#include <stddef.h>

#include "conf/model.h"

/* conf_parse() makes the same tunnel of it but for keys, hooks and warnings. *ret is the caller's
 * to free; NULL: memory is out. Two tunnels that differ in nothing else have the same text. */
int ensure_plain(const struct tunnel *t, char **ret, size_t *ret_len);
