/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The number of mistakes between two names, an exchange of neighbours counted as one. Names longer
 * than any of ours are never near: the table is of a fixed size.
 */
#include "base/near.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define NEAR_MAX 32

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

static int at(const char *s, size_t i)
{
	return tolower((unsigned char)s[i]);
}

static size_t mistakes(const char *a, size_t n, const char *b, size_t m)
{
	size_t d[NEAR_MAX + 1][NEAR_MAX + 1];

	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t k = 0; k <= m; k++)
		d[0][k] = k;
	for (size_t i = 1; i <= n; i++)
		for (size_t k = 1; k <= m; k++) {
			size_t wrong = at(a, i - 1) != at(b, k - 1);

			d[i][k] = min3(d[i - 1][k] + 1, d[i][k - 1] + 1, d[i - 1][k - 1] + wrong);
			if (i > 1 && k > 1 && at(a, i - 1) == at(b, k - 2) &&
			    at(a, i - 2) == at(b, k - 1) && d[i - 2][k - 2] + 1 < d[i][k])
				d[i][k] = d[i - 2][k - 2] + 1;
		}
	return d[n][m];
}

bool near_name(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	if (n > NEAR_MAX || m > NEAR_MAX || n == 0)
		return false;
	return mistakes(a, n, b, m) <= (m > 5 ? 2 : m > 2 ? 1 : 0);
}
