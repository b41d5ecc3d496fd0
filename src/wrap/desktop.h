/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Desktop entries (https://specifications.freedesktop.org/desktop-entry-spec/) as text, and Xfce's
 * helpers, which are written like them.
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

/* Whether one of Xfce's helpers starts the program: "Web Browser" in its menu and each link that
 * another program opens go by one, and not by the entry of the program. */
enum wrap_how helper_judge(const char *text, const struct wrap_target *t);

/* The helper with its commands behind the prefix. One that starts a script which leads to the
 * program starts the program itself. The caller's to free; NULL: no memory. */
char *helper_wrap(const char *text, const struct wrap_cover *c);
