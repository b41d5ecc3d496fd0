/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Desktop entries (https://specifications.freedesktop.org/desktop-entry-spec/) as text.
 */
#pragma once

#include "wrap/cmdline.h"

/* Whether the entry starts the program, by its own command or by that of one of its actions. */
enum wrap_how desktop_judge(const char *text, const struct wrap_target *t);

bool desktop_is_hidden(const char *text);

/* The entry with its commands behind the prefix, its names with the VPN's, and without D-Bus
 * activation, which would start the program elsewhere. Where only an action of another program's
 * entry starts the program, that action alone goes behind it. The caller's to free; NULL: no
 * memory. */
char *desktop_wrap(const char *text, const struct wrap_cover *c);
