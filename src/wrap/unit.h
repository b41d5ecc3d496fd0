/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Units of systemd, as text, with all their drop-ins behind them in the order in which they count.
 */
#pragma once

#include "wrap/cmdline.h"

enum wrap_how unit_judge(const char *text, const struct wrap_target *t);

/* What a drop-in would have to say first, because the unit forbids its program what vpnrun needs;
 * such a unit would not start, wrapped. NULL: nothing is forbidden. Static. */
const char *unit_forbids(const char *text);

/* A drop-in that puts each command that starts the program behind the prefix. The caller's to free;
 * NULL: no memory. */
char *unit_wrap(const char *text, const struct wrap_cover *c);
