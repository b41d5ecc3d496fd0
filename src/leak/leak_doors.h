/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doors: how a program inside gets out without sending a packet of its own. `vpnctl leak-test` asks
 * outside what there is, a process inside looks which of it can be reached, and each channel gets a
 * row.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/json.h"

enum leak_state {
	LEAK_UNSEEN, /* nobody has looked */
	LEAK_SHUT,
	LEAK_DESIGN, /* open, as the manual says: what a hostile program alone could use */
	LEAK_OPEN,
};

enum leak_channel {
	LEAK_TCP4,
	LEAK_TCP6,
	LEAK_UDP4,
	LEAK_UDP6,
	LEAK_OTHER4, /* ICMP and the rest */
	LEAK_OTHER6,
	LEAK_DNS,
	LEAK_RESOLVER,
	LEAK_SOCKETS,
	LEAK_SESSION,
	LEAK_DESCRIPTORS,
	LEAK_MOUNTS,
	LEAK_TERMINALS,
	LEAK_DEVICES,
	LEAK_PROCESSES,
	LEAK_N_CHANNELS,
};

#define LEAK_DETAILS_MAX 24
#define LEAK_DETAIL_LEN	 240

struct leak_row {
	enum leak_state state;
	char detail[LEAK_DETAILS_MAX][LEAK_DETAIL_LEN];
	size_t n, more; /* more: those that there was no room for */
};

struct leak_table {
	struct leak_row rows[LEAK_N_CHANNELS];
};

void leak_table_say(struct leak_table *t, enum leak_channel c, enum leak_state s, const char *fmt,
		    ...) __attribute__((format(printf, 4, 5)));
void leak_table_print(const struct leak_table *t, const char *whose);
void leak_table_json(const struct leak_table *t, struct json_out *out);
bool leak_table_is_closed(const struct leak_table *t);

/* Lists what is outside, in lines for leak_look(), an empty one last, to be written to its input.
 * The caller's to free. In the host's namespaces. */
int leak_doors_outside(char **ret, struct err *e);

/* Inside, in any process: reads the lines of leak_doors_outside() from in, and writes to out a line
 * "KIND\tTEXT" for each thing that is reachable, and an empty one. Connects to nothing. */
int leak_look(int in, int out);

/* One such line, judged. To be called outside, in the host's namespaces. */
void leak_doors_judge(struct leak_table *t, const char *kind, const char *text);

/* Says which of a process's descriptors lead around what is hidden from it. Outside. */
void leak_doors_descriptors(struct leak_table *t, pid_t pid);

/* The rows that somebody inside has looked at, and found nothing. */
void leak_doors_looked(struct leak_table *t);
