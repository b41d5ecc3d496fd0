/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples of one thing, and what is said of them. For the programs of this directory. */
#pragma once

#include <stdlib.h>

#define SAMPLES_MAX 4000

struct samples {
	size_t n;
	double v[SAMPLES_MAX];
};

static inline void samples_add(struct samples *s, double v)
{
	if (s->n < SAMPLES_MAX)
		s->v[s->n++] = v;
}

static inline int samples_order(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Before any of those below. */
static inline void samples_sort(struct samples *s)
{
	qsort(s->v, s->n, sizeof(s->v[0]), samples_order);
}

static inline double samples_median(const struct samples *s)
{
	if (s->n == 0)
		return 0;
	return s->n % 2 ? s->v[s->n / 2] : (s->v[s->n / 2 - 1] + s->v[s->n / 2]) / 2;
}

/* The one that so many of a hundred are not above. */
static inline double samples_at(const struct samples *s, unsigned int of_100)
{
	return s->n ? s->v[(s->n - 1) * of_100 / 100] : 0;
}

static inline double samples_min(const struct samples *s)
{
	return s->n ? s->v[0] : 0;
}

static inline double samples_max(const struct samples *s)
{
	return s->n ? s->v[s->n - 1] : 0;
}
