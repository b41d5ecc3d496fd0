/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AllowedIPs less what must stay outside: pure arithmetic on prefixes.
 */
#pragma once

#include "conf/model.h"

#define SUBTRACT_MAX 65536 /* prefixes in the answer */

struct prefixes {
	struct ipaddr *at;
	size_t n;
};

/* Parses "10.0.0.0/8, ::/0 fd00::1", by comma or blank, and adds to the list. Bits of a host part
 * are cleared; the elements have no text. */
int prefixes_parse(const char *text, struct prefixes *list, struct err *e);

/* Lists what is in from and not in minus, in order, IPv4 first, nothing twice: the caller's to
 * free. */
int prefixes_subtract(const struct prefixes *from, const struct prefixes *minus,
		      struct prefixes *ret, struct err *e);

#define PREFIX_TEXT_LEN 52
void prefix_format(const struct ipaddr *a, char ret[PREFIX_TEXT_LEN]);
