/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as desktop entries, as units and drop-ins of systemd, and as containers.conf. A wrapped
 * entry starts nothing but what has the prefix; a drop-in never allows a family that the unit
 * forbids.
 */
#include "fuzz/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "confine/confine.h"
#include "confine/desktop.h"
#include "engine/oci_conf.h"

static const struct desktop_wrap wrap = {
	.program = "firefox",
	.path = "/usr/bin/firefox",
	.prefix = "/usr/bin/vpnrun demo --",
	.vpn = "demo",
	.mark = " made by vpnctl wrap for firefox",
};

static void entries(struct err *e)
{
	char *text = world_next_text(), *ours;

	(void)e;
	desktop_starts(text, "firefox");
	ours = desktop_wrap(text, &wrap);
	must(ours != NULL && ours[0] == '#' && str_starts(ours + 1, wrap.mark));
	for (const char *l = ours; l; l = strchr(l, '\n')) {
		l += *l == '\n';
		if (str_starts(l, "Exec="))
			must(str_starts(l + 5, wrap.prefix));
		must(!str_starts(l, "DBusActivatable=true"));
	}
	free(ours);
	free(text);
}

static void units(struct err *e)
{
	struct confine c = {.unit = "torrent@home.service", .vpn = "demo"};
	struct confine_unit u;
	char *text;

	str_copy(c.file, sizeof(c.file), "/lib/systemd/system/torrent@.service");
	str_copy(c.dropin, sizeof(c.dropin), "/etc/systemd/system/x.d/50-vpnrun.conf");
	if (confine_unit_read(&c, &u, e) < 0) {
		must_be_sentence(e);
		return;
	}
	must(u.families < 1u << CONFINE_N_FAMILIES);
	if (confine_make_dropin(&c, &u, &text, e) == 0) {
		const char *line = strstr(text, "\nRestrictAddressFamilies=");

		for (size_t i = 0; line && u.has_families && i < CONFINE_N_FAMILIES; i++) {
			char word[40];
			const char *end = strchr(line + 1, '\n');

			str_fmt(word, sizeof(word), "%s", confine_families[i]);
			if (u.families & 1u << i || !end)
				continue;
			for (const char *at = line; (at = strstr(at, word)) && at < end; at++)
				must(at[strlen(word)] != ' ' && at[strlen(word)] != '\n');
		}
		free(text);
	} else {
		must_be_sentence(e);
	}
}

static void engines(struct err *e)
{
	struct oci_dirs d = {0};

	if (oci_conf_read("/home/a", NULL, &d, e) < 0)
		must_be_sentence(e);
	must(d.n <= OCI_DIRS_MAX);
	for (size_t i = 0; i < d.n; i++)
		must(memchr(d.at[i], '\0', sizeof(d.at[i])) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const all[])(struct err *) = {entries, units, engines};
	struct err e = ERR_INIT;

	world_begin(data, size);
	all[world_choice(ARRAY_SIZE(all))](&e);
	world_end();
	return 0;
}
