/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as files of /proc: mountinfo, stat, status, comm, maps of ids, net/dev, and what a
 * process inside says of what it sees. Processes choose most of it. What goes to a terminal is
 * printable.
 */
#include "fuzz/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.c"
#include "leak/leak_look.c"
#undef CONF_MAX
#include "leak/leak_inside.c"
#include "up/inside.c"

#include "leak/leak_doors.h"
#include "ns/upcall.h"
#include "running/elf.h"
#include "wall/forwarding.h"

static void on_mount(const char *path, bool has_below, void *arg)
{
	(void)has_below;
	(void)arg;
	must(path[0] == '/' && strlen(path) < PATH_MAX);
}

static void mounts(struct err *e)
{
	static const char *const allow[] = {"/net/a"};
	const struct upcall_view v = {.strict = world_choice(2),
				      .cwd = "/home/a",
				      .home = "/home",
				      .allow = allow,
				      .n_allow = 1};
	size_t n;

	if (world_choice(2)) {
		if (ns_upcall_for_each(true, on_mount, NULL, e) < 0)
			must_be_sentence(e);
	} else if (ns_upcall_cover(&v, &n, e) < 0) {
		must_be_sentence(e);
	}
}

static void printable(const char *s)
{
	for (; *s; s++)
		must(*s >= ' ' && *s <= '~');
}

static void processes(struct err *e)
{
	const struct stat lock = {.st_dev = makedev(0, 0x1a), .st_ino = 567};
	char holder[100];
	struct procs all = {0};
	struct inside_process p;
	uint64_t start;

	read_start(3, "7", &start);
	describe(7, &p);
	must(memchr(p.comm, '\0', sizeof(p.comm)) != NULL);
	printable(p.comm);
	if (read_procs(&all, e) < 0)
		must_be_sentence(e);
	free(all.at);
	name_holder(&lock, holder, sizeof(holder));
	must(strlen(holder) < sizeof(holder) - 1);
}

static void ids(struct err *e)
{
	struct ids own;
	char servers[LEAK_ADDR_MAX][INET6_ADDRSTRLEN];

	if (read_ids(7, &own, e) < 0)
		must_be_sentence(e);
	map_id(7, "uid_map", 1000);
	must(host_servers(servers, LEAK_ADDR_MAX) <= LEAK_ADDR_MAX);
}

/* A stranger inside answers, and it goes to a terminal. */
static void answers(struct err *e)
{
	static struct leak_table t;
	char *text = world_next_text(), *line, *save;

	(void)e;
	memset(&t, 0, sizeof(t));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *tab = strchr(line, '\t');

		if (!tab)
			continue;
		*tab = '\0';
		leak_doors_judge(&t, line, tab + 1);
	}
	leak_doors_descriptors(&t, 7);
	for (size_t c = 0; c < LEAK_N_CHANNELS; c++) {
		must(t.rows[c].n <= LEAK_DETAILS_MAX);
		for (size_t i = 0; i < t.rows[c].n; i++)
			must(memchr(t.rows[c].detail[i], '\0', LEAK_DETAIL_LEN) != NULL);
	}
	free(text);
}

static void looks(struct err *e)
{
	char *line = world_next_text(), *text = NULL;
	struct outside o = {0};
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)e;
	must(out != NULL);
	look_at_socket(out, line);
	look_around(out, &o);
	fclose(out);
	free(text);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const all[])(struct err *) = {mounts, processes, ids, answers, looks};
	struct err e = ERR_INIT;

	world_begin(data, size);
	all[world_choice(ARRAY_SIZE(all))](&e);
	world_end();
	return 0;
}
