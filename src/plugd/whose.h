/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds whose a network namespace is. Every refusal is a sentence for the user.
 */
#pragma once

#include "ipc/conn.h"
#include "state/record.h"

/* Must be called before the program confines itself: remembers its own namespaces. */
int whose_init(struct err *e);

/* fd is a namespace of the network, and not a file that is called like one. To ask disturbs nobody,
 * whatever it is. */
int whose_check_kind(int fd, struct err *e);

/* fd is a network namespace, and that peer's own. */
int whose_check(int fd, const struct record *r, const struct peer *p, struct err *e);
