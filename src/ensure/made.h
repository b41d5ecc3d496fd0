/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RUN_DIR/NAME.made: what a VPN consists of since it was brought up, as the list that it was made
 * by. NAME may be a VPN's, or "default" for the machine's. Root.
 */
#pragma once

#include "base/err.h"
#include "state/record.h"
#include "want/want.h"

/* r: whose it is, as the record will say; NULL: nobody asks. */
int made_write(const char *name, const struct record *r, const struct want_list *l, struct err *e);
/* -ENOENT: there is none. -EPROTO: of another version. */
int made_read(const char *name, struct want_list *ret, struct err *e);
/* Gives the firewall's tables of l the digests that are noted of them. */
void made_keep_digests(const char *name, struct want_list *l);
/* Whose it is alone; nobody's is -ENOENT, too. */
int made_read_record(const char *name, struct record *ret, struct err *e);
int made_remove(const char *name, struct err *e); /* absent: 0 */
