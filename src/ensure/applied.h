/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The profile as the last `up` had it: RUN_DIR/NAME.profile, root's alone, without its keys.
 * Whoever repairs or follows a VPN goes by this one: an edited file is applied when its owner says
 * so.
 */
#pragma once

#include <stdbool.h>

#include "conf/model.h"
#include "state/record.h"

/* Notes p, as it was read. */
int applied_write(const struct profile *p, struct err *e);
int applied_remove(const char *name, struct err *e); /* absent: 0 */

/* The profile with the keys that the files have today. Where none is noted, as an older version
 * does not: the one of today. Returns 1, and e says why, if the keys cannot be read. */
int applied_load(const char *name, struct profile *p, struct err *e);

/* Whether that one of many servers is up by another than was noted last: who was to change it was
 * killed before the record said so, or is at it. */
bool applied_is_ahead(const struct record *r);

/* Whether what was noted last goes by that server; what cannot be read does. */
bool applied_is_by(const char *name, const char *server);

/* Its JSON alone: no key is read. -ENOENT, -EPROTO: none is noted. */
int applied_parse(const char *name, struct profile *p, struct err *e);

/* What was applied, but by another of its servers, whose file is read as it is today. */
int applied_load_server(const char *name, const char *server, struct profile *p, struct err *e);

/* The profile as the files have it today, and of one that is up by one of many servers, by that
 * one: it may be another than the chosen one, because that one is silent. */
int applied_load_in_use(const char *name, struct profile *p, struct err *e);

/* Whether the files say anything else by now: 1, 0. What cannot be read says something else. */
int applied_is_old(const char *name);
