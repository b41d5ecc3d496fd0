/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D-Bus service files
 * (https://dbus.freedesktop.org/doc/dbus-specification.html#message-bus-starting-services) as text.
 */
#pragma once

#include "wrap/cmdline.h"

enum wrap_how service_judge(const char *text, const struct wrap_target *t);

/* The service with its command behind the prefix, and without the unit of systemd by whose name it
 * would be started elsewhere. The caller's to free; NULL: no memory. */
char *service_wrap(const char *text, const struct wrap_cover *c);
