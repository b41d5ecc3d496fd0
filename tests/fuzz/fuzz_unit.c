/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as what starts programs (desktop entries, D-Bus services, units, browsers' manifests),
 * as units and drop-ins of systemd, and as containers.conf. What was wrapped starts the program by
 * vpnrun alone; a drop-in never allows a family that the unit forbids.
 */
#include "fuzz/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "confine/confine.h"
#include "engine/oci_conf.h"
#include "wrap/around.h"
#include "wrap/aside.h"
#include "wrap/desktop.h"
#include "wrap/manifest.h"
#include "wrap/record.h"
#include "wrap/service.h"
#include "wrap/unit.h"
#include "wrap/ways.h"

static struct wrap_target target = {
	.program = "firefox",
	.path = "/usr/bin/firefox",
	.real = "/usr/lib/firefox/firefox",
};
static char mark[WRAP_MARK_SIZE];
static const struct wrap_cover cover = {
	.target = &target,
	.prefix = "/usr/bin/vpnrun demo --",
	.options = "--profile /home/a/p",
	.vpn = "demo",
	.mark = mark,
};

static bool is_covered(enum wrap_how how)
{
	return how == WRAP_STARTS || how == WRAP_WHOLE;
}

/* Sealed, each of them is known again. */
static void must_be_ours(char *text)
{
	must(text != NULL && text[0] == '#' && str_starts(text + 1, " made by vpnctl wrap for "));
	wrap_seal(text, mark);
}

/* No command of what was made starts the program: each is vpnrun's, or another's. */
static void must_go_through(const char *text, const char *key)
{
	size_t n = strlen(key), len;

	for (const char *l = text; *l; l += len + (l[len] == '\n')) {
		len = strcspn(l, "\n");
		if (len > n && !strncmp(l, key, n) && !str_starts(l + n, cover.prefix))
			must(!is_covered(wrap_judge(&target, l + n, len - n)));
	}
}

static void entries(struct err *e)
{
	char *text = world_next_text(), *ours;
	enum wrap_how how = desktop_judge(text, &target);

	(void)e;
	desktop_is_hidden(text);
	ours = desktop_wrap(text, &cover);
	must_be_ours(ours);
	if (is_covered(how))
		must_go_through(ours, "Exec=");
	free(ours);
	free(text);
}

static void helpers(struct err *e)
{
	char *text = world_next_text(), *ours;

	(void)e;
	helper_judge(text, &target);
	ours = helper_wrap(text, &cover);
	must_be_ours(ours);
	must(!is_covered(helper_judge(ours, &target)));
	free(ours);
	free(text);
}

static void services(struct err *e)
{
	char *text = world_next_text(), *ours;

	(void)e;
	service_judge(text, &target);
	ours = service_wrap(text, &cover);
	must_be_ours(ours);
	must_go_through(ours, "Exec=");
	must(strstr(ours, "\nSystemdService=") == NULL);
	free(ours);
	free(text);
}

static void user_units(struct err *e)
{
	char *text = world_next_text(), *ours;

	(void)e;
	unit_forbids(text);
	unit_judge(text, &target);
	ours = unit_wrap(text, &cover);
	must_be_ours(ours);
	must(!is_covered(unit_judge(ours, &target)));
	free(ours);
	free(text);
}

static void manifests(struct err *e)
{
	char *text = world_next_text(), *ours = NULL, path[PATH_MAX];

	(void)e;
	if (manifest_path(text, path, sizeof(path)) == 0)
		ours = manifest_wrap(text, "/home/a/.local/bin/firefox", mark);
	if (ours) {
		wrap_seal(ours, mark);
		must(manifest_path(ours, path, sizeof(path)) == 0);
		must(!strcmp(path, "/home/a/.local/bin/firefox"));
	}
	free(ours);
	free(text);
}

/* A whole plan, of directories and files that the world makes up, and what is told beside it. */
static void plan(struct err *e)
{
	struct wrap_job j = {.cover = cover};
	struct wrap_record r;

	j.target = target;
	j.cover.target = &j.target;
	if (wrap_find_places(&j, e) == 0 && wrap_record_read(&j, &r, e) == 0) {
		must(r.files.n <= WRAP_PATHS_MAX && r.dirs.n <= WRAP_PATHS_MAX);
		wrap_record_free(&r);
		if (wrap_plan_ways(&j, e) < 0 || wrap_look_at_files(&j, e) < 0 ||
		    wrap_look_around(&j, "", e) < 0)
			must_be_sentence(e);
	}
	for (size_t i = 0; i < j.n_files; i++)
		must(j.files[i].path[0] == '/' && strstr(j.files[i].text, "made by vpnctl wrap"));
	wrap_plan_free(&j);
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
	static void (*const all[])(struct err *) = {entries,	units,	   engines, services,
						    user_units, manifests, plan,    helpers};
	struct err e = ERR_INIT;

	wrap_mark(target.program, mark);
	world_begin(data, size);
	all[world_choice(ARRAY_SIZE(all))](&e);
	world_end();
	return 0;
}
