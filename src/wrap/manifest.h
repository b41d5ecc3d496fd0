/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manifests by which browsers start native-messaging hosts, as text.
 */
#pragma once

#include "wrap/cmdline.h"

/* Copies the path of the program that a manifest names. -EINVAL: it is not a manifest. */
int manifest_path(const char *text, char *ret, size_t size);

/* The manifest with another path, and with the mark in its description: a key that a browser does
 * not know makes it refuse the whole. The caller's to free; NULL: no memory, or the path would need
 * quoting. */
char *manifest_wrap(const char *text, const char *path, const char *mark);
