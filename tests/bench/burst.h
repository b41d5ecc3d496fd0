/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many programs let go at one moment. For bench.c. */
#pragma once

#include "stats.h"

struct burst {
	void (*become)(void *arg, int socket); /* in the child; does not return */
	void *arg;
	const int *sockets; /* each has its own */
	unsigned int n;
};

/* Adds the milliseconds from then until each is reaped; -1 where one has failed. */
int burst(const struct burst *b, struct samples *ret);
