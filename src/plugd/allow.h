/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may use a VPN, by its record and by the files of this moment. Every refusal is a sentence for
 * the user. The plugger decides by it; the front asks the same beforehand, so that nothing is taken
 * from a stranger and the plugger is never bothered by one.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>

#include "base/accounts.h"
#include "ipc/conn.h"
#include "state/record.h"

/* Pure: whether the record's lists let that peer in, by those files. */
bool allow_is_allowed(const struct record *r, const struct accounts *a, const struct peer *p);

/* No list lets them in, and the front has advice; a number that no system call fails with. */
#define ALLOW_NOT_LISTED (-EKEYREJECTED)

/* The same, with a sentence. p->owner is set anew, by the same files. */
int allow_user(const struct record *r, const struct accounts *a, struct peer *p, struct err *e);
