/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what a program wants to change. The bytes are a stranger's and their reader outside
 * forgives what is out of order, in ways of its own: so whatever is out of order here is refused,
 * and the keys are the same for both. Called by rewrite.c.
 */
#include "bus/settings.h"

#include <stdint.h>
#include <string.h>

#include "base/util.h"

#define ALIGN 8 /* of a dictionary whose values are variants */

static size_t offset_size(size_t container)
{
	return container <= UINT8_MAX ? 1 : container <= UINT16_MAX ? 2 : 4;
}

/* It has this machine's byte order, as the one who wrote it. */
static size_t read_offset(const unsigned char *at, size_t size)
{
	uint16_t two;
	uint32_t four;

	if (size == 1)
		return *at;
	memcpy(&two, at, sizeof(two));
	if (size == 2)
		return two;
	memcpy(&four, at, sizeof(four));
	return four;
}

/* An entry is its key, the value, and where the key ends. NULL: it is out of order. */
static const char *key_of(const unsigned char *entry, size_t size)
{
	size_t width = offset_size(size), end;

	if (size <= width)
		return NULL;
	end = read_offset(entry + size - width, width);
	if (end == 0 || end > size - width || memchr(entry, 0, end) != entry + end - 1)
		return NULL;
	return (const char *)entry;
}

/* An array is its entries, each at a multiple of ALIGN, and a table of where each ends. */
bool bus_settings_each(const unsigned char *data, size_t size,
		       bool (*fn)(void *arg, const char *key), void *arg)
{
	size_t width = offset_size(size), table, at = 0;

	if (size == 0)
		return true;
	if (size <= width || size > UINT32_MAX)
		return false;
	table = read_offset(data + size - width, width);
	if (table == 0 || table >= size || (size - table) % width)
		return false;
	for (size_t k = table; k < size; k += width) {
		size_t end = read_offset(data + k, width);
		size_t begin = (at + ALIGN - 1) / ALIGN * ALIGN;
		const char *key;

		if (end <= begin || end > table)
			return false;
		key = key_of(data + begin, end - begin);
		if (!key || !fn(arg, key))
			return false;
		at = end;
	}
	return at == table;
}

bool bus_settings_are_in(const char *const places[], size_t n, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < n; i++)
		if (str_starts(key, places[i]) ||
		    (len && key[len - 1] == '/' && str_starts(places[i], key)))
			return true;
	return false;
}
