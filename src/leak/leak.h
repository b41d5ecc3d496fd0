/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of `vpnctl leak-test` share packets that can be told from all others wherever they
 * appear, and the watch that looks for them outside.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "leak/leak_doors.h"
#include "state/record.h"

/* Of the ranges for documentation: nobody is there. */
#define LEAK_TARGET4  "192.0.2.77"
#define LEAK_TARGET6  "2001:db8:0:76::77"

#define LEAK_TEXT_LEN 16
#define LEAK_ADDR_MAX 8

/* Every packet has the text in it, or goes to that port of a target. */
struct leak_mark {
	char text[LEAK_TEXT_LEN + 1];
	uint16_t port;
};

int leak_mark_make(struct leak_mark *ret, struct err *e);

struct leak_watch {
	int fd;
	struct leak_mark mark;
	const struct record *rec; /* on its own devices, in the host's namespace, packets belong */
	unsigned int n;		  /* seen */
	bool lost;		  /* the kernel had no room for some packets: nothing is certain */
	char first[160];	  /* what and where, of the first seen */
	struct leak_table *table; /* a row a channel; may be NULL */
	bool told[LEAK_N_CHANNELS];
};

/* Watches all that leaves by any device of the caller's namespace. Needs CAP_NET_RAW. */
int leak_watch_open(struct leak_watch *w, const struct leak_mark *mark, const struct record *rec,
		    struct err *e);
void leak_watch_read(struct leak_watch *w); /* never blocks */
void leak_watch_close(struct leak_watch *w);

/* Tries every way out that a program has, in rounds, a dot on stdout after each, until stdin ends.
 * with_libc: names also by the C library, which loads what is configured where it runs. */
int leak_probe_rounds(const struct leak_mark *m, char **addresses, int n, bool with_libc);
