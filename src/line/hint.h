/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A word about a command before it is started.
 */
#pragma once

#include <stdbool.h>

/* One line where the command is a program that cannot do its work inside: why, and what instead.
 * by_sudo: what was meant to be root's is the caller's now. */
void line_say_hint(const char *command, bool by_sudo);
