/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See str.h. Pure; what does not fit is refused, never cut.
 */
#include "base/str.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int str_copy(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);

	if (len >= size) {
		if (size)
			dst[0] = '\0';
		return -E2BIG;
	}
	memcpy(dst, src, len + 1);
	return 0;
}

int str_fmt(char *dst, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(dst, size, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= size)
		return -E2BIG;
	return n;
}

int str_uint(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*s || strlen(s) > 19)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		v = v * 10 + (uint64_t)(*s - '0');
	}
	if (v < min || v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}

bool str_starts(const char *s, const char *prefix)
{
	/* Most differ at once, and a launch asks this thousands of times. */
	while (*prefix && *s == *prefix) {
		s++;
		prefix++;
	}
	return !*prefix;
}

bool str_ends(const char *s, const char *end)
{
	size_t a = strlen(s), b = strlen(end);

	return a >= b && !strcmp(s + a - b, end);
}

bool str_is_reserved(const char *s)
{
	return !strcmp(s, "default") || !strcmp(s, "host") || !strcmp(s, "none") || !strcmp(s, "-");
}

bool str_is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool str_is_vpn_name(const char *s)
{
	size_t i;

	if (!str_is_alnum(s[0]) || str_is_reserved(s))
		return false;
	for (i = 0; s[i]; i++)
		if (i >= NAME_MAX_LEN || !(str_is_alnum(s[i]) || s[i] == '-' || s[i] == '_'))
			return false;
	return true;
}

void str_device_of(const char *kind, const char *name, int id, char ret[16])
{
	if (str_fmt(ret, IF_NAMESIZE, "%s-%s", kind, name) < 0)
		str_fmt(ret, IF_NAMESIZE, "%s.%d", kind, id);
}

bool str_is_device_name(const char *s)
{
	size_t i;

	if (!strcmp(s, ".") || !strcmp(s, "..") || !strcmp(s, "lo") || s[0] == '-')
		return false;
	for (i = 0; s[i]; i++)
		if (i >= IF_NAMESIZE - 1 || !(str_is_alnum(s[i]) || strchr("_=+.-", s[i])))
			return false;
	return i > 0;
}
