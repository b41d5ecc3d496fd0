/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Formatting for `vpnctl status`. Pure.
 */
#include "ctl/words.h"

#include <inttypes.h>

#include "base/util.h"

void words_age(int64_t seconds, char *ret, size_t size)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};

	if (seconds < 1) {
		str_copy(ret, size, seconds < 0 ? "never" : "now");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		int64_t n = seconds / units[i].seconds;

		if (n < 1)
			continue;
		str_fmt(ret, size, "%" PRId64 " %s%s ago", n, units[i].name, n == 1 ? "" : "s");
		return;
	}
}

void words_bytes(uint64_t n, char *ret, size_t size)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double v = (double)n / 1024;
	size_t i = 0;

	if (n < 1024) {
		str_fmt(ret, size, "%" PRIu64 " B", n);
		return;
	}
	for (; v >= 1024 && i + 1 < ARRAY_SIZE(units); i++)
		v /= 1024;
	str_fmt(ret, size, "%.1f %s", v, units[i]);
}
