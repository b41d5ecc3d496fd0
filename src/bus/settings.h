/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds what a change of settings (dconf's) is about. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Calls fn for each key of a serialised change, the type a{smv} of GVariant, until it says no.
 * False: it did, or the bytes are not in the one form that every reader understands alike. */
bool bus_settings_each(const unsigned char *data, size_t size,
		       bool (*fn)(void *arg, const char *key), void *arg);

/* Whether key, or what lies below it if it is a directory, is in one of the n places. */
bool bus_settings_are_in(const char *const places[], size_t n, const char *key);
