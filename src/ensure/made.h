/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RUN_DIR/NAME.made: what a VPN consists of since it was brought up, as the list that it was made
 * by. NAME may be a VPN's, or "NAME.default" for the machine's default. Root.
 */
#pragma once

#include "base/err.h"
#include "want/want.h"

int made_write(const char *name, const struct want_list *l, struct err *e);
/* -ENOENT: there is none. -EPROTO: of another version. */
int made_read(const char *name, struct want_list *ret, struct err *e);
int made_remove(const char *name, struct err *e); /* absent: 0 */
