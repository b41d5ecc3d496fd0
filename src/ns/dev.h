/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The /dev of a strict sandbox: what every program needs, terminals of its own, and nothing that
 * leads to the user's other programs or to a device.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* Mounts it over /dev. old_dev is the directory as it was, opened in this mount namespace. display:
 * with the graphics card. Of the terminals outside, the one that is stdin, stdout or stderr is
 * /dev/console, and these streams are opened anew by that name. The IPC namespace must be the
 * sandbox's own. */
int ns_dev_make(int old_dev, bool display, struct err *e);

/* When all is in it: nothing more can be put there. */
int ns_dev_seal(struct err *e);
