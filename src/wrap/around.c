/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See around.h. Reads what any user may read; what only root may is not known here, and the manual
 * says so. Called by `vpnctl wrap`.
 */
#include "wrap/around.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "running/command.h"
#include "wrap/aside.h"
#include "wrap/desktop.h"
#include "wrap/layers.h"
#include "wrap/unit.h"
#include "wrap/units.h"

typedef int (*look_fn)(struct wrap_job *j, const char *dir, const char *name, struct err *e);

static int each_file(struct wrap_job *j, const char *dir, look_fn fn, struct err *e)
{
	DIR *d = opendir(dir);
	const struct dirent *de;
	int r = 0;

	while (d && r == 0 && (de = readdir(d)))
		if (de->d_name[0] != '.')
			r = fn(j, dir, de->d_name, e);
	if (d)
		closedir(d);
	return r;
}

/* Reads a file that can be read; NULL: none of ours to judge. */
static char *read_text(const char *dir, const char *name, char path[PATH_MAX])
{
	char *text = NULL;

	if (str_fmt(path, PATH_MAX, "%s/%s", dir, name) < 0 ||
	    file_read(path, WRAP_TEXT_MAX, &text, NULL, NULL) < 0)
		return NULL;
	return text;
}

/* --- other names ------------------------------------------------------------------------------ */

static int look_name(struct wrap_job *j, const char *dir, const char *name, struct err *e)
{
	char path[PATH_MAX], ours[PATH_MAX];
	const char *program = j->target.program;

	if (!strcmp(name, program) || str_fmt(path, sizeof(path), "%s/%s", dir, name) < 0 ||
	    str_fmt(ours, sizeof(ours), "%s/%s", j->bin, name) < 0 ||
	    !wrap_target_is(&j->target, path) || access(ours, X_OK) == 0)
		return 0;
	return wrap_plan_tell(j, wrap_text("%s is %s by another name", path, program),
			      wrap_text("vpnctl wrap %s --vpn %s", name, j->cover.vpn), e);
}

static int look_names(struct wrap_job *j, struct err *e)
{
	const char *path = getenv("PATH");
	int r = 0;

	for (size_t len; r == 0 && path && *path; path += len + (path[len] == ':')) {
		char dir[PATH_MAX], real[PATH_MAX];

		len = strcspn(path, ":");
		/* /bin may be /usr/bin. */
		if (str_fmt(dir, sizeof(dir), "%.*s", (int)len, path) > 0 && realpath(dir, real) &&
		    !strcmp(dir, real))
			r = each_file(j, dir, look_name, e);
	}
	return r;
}

/* --- entries that no menu's directory holds --------------------------------------------------- */

static int look_icon(struct wrap_job *j, const char *dir, const char *name, struct err *e)
{
	char path[PATH_MAX];
	AUTO_FREE char *text = str_ends(name, ".desktop") ? read_text(dir, name, path) : NULL;

	if (!text || desktop_judge(text, &j->target) == WRAP_OTHER)
		return 0;
	return wrap_plan_tell(j, wrap_text("%s starts %s", path, j->target.program),
			      wrap_text("remove it and put the menu's entry there anew, or let its "
					"Exec= say %s/%s",
					j->bin, j->target.program),
			      e);
}

static int look_panel(struct wrap_job *j, const char *dir, const char *name, struct err *e)
{
	char path[PATH_MAX];

	return str_fmt(path, sizeof(path), "%s/%s", dir, name) < 0
		       ? 0
		       : each_file(j, path, look_icon, e);
}

static int look_icons(struct wrap_job *j, struct err *e)
{
	const char *desktop = getenv("XDG_DESKTOP_DIR");
	char dir[PATH_MAX];
	int r = 0;

	if (str_fmt(dir, sizeof(dir), "%s/Desktop", j->home) > 0)
		r = each_file(j, desktop && desktop[0] == '/' ? desktop : dir, look_icon, e);
	if (r == 0 && str_fmt(dir, sizeof(dir), "%s/xfce4/panel", j->config) > 0)
		r = each_file(j, dir, look_panel, e);
	return r;
}

/* --- packages that bring a system of their own ------------------------------------------------ */

/* "flatpak run --branch=stable --command=firefox org.mozilla.firefox", "/snap/bin/firefox". */
static bool is_export_of(const char *text, const char *program, const char **ret_kind)
{
	char word[300];

	*ret_kind = "flatpak";
	if (str_fmt(word, sizeof(word), "--command=%s ", program) > 0 && strstr(text, word))
		return true;
	*ret_kind = "snap";
	return str_fmt(word, sizeof(word), "/snap/bin/%s", program) > 0 && strstr(text, word);
}

static int look_export(struct wrap_job *j, const struct wrap_found *f, struct err *e)
{
	const char *kind;

	if (!is_export_of(f->text, j->target.program, &kind) ||
	    desktop_judge(f->text, &j->target) != WRAP_OTHER)
		return 0;
	return wrap_plan_tell(j,
			      wrap_text("%s starts the %s of %s", f->path, kind, j->target.program),
			      wrap_text("remove that %s, or let a copy of the entry in "
					"%s/applications say Exec=vpnrun %s before its command",
					kind, j->data, j->cover.vpn),
			      e);
}

static int look_exports(struct wrap_job *j, struct err *e)
{
	char own[PATH_MAX], list[8192];
	const struct wrap_layers l = {.own = own,
				      .list = list,
				      .below = "/applications",
				      .suffix = ".desktop",
				      .deep = true};

	if (str_fmt(own, sizeof(own), "%s/applications", j->data) < 0 ||
	    str_fmt(list, sizeof(list),
		    "%s:%s/flatpak/exports/share:/var/lib/flatpak/exports/share:"
		    "/var/lib/snapd/desktop",
		    wrap_data_dirs(), j->data) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of the home directory is too long");
	return wrap_layers_each(j, &l, look_export, e);
}

/* --- what the system starts ------------------------------------------------------------------- */

#define SYSTEM_DIRS                                                              \
	"/etc/systemd/system:/run/systemd/system:/usr/local/lib/systemd/system:" \
	"/usr/lib/systemd/system:/lib/systemd/system"

static int look_unit(struct wrap_job *j, const struct wrap_found *f, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len = strlen(f->id) - strlen(".service");
	int r;

	if (wrap_is_unit_alias(f->path))
		return 0;
	r = wrap_unit_text(SYSTEM_DIRS, f, &text, e);
	if (r < 0)
		return r;
	/* One that is confined is in its VPN's namespace already. */
	if (strstr(text, "NetworkNamespacePath=") || unit_judge(text, &j->target) == WRAP_OTHER)
		return 0;
	return wrap_plan_tell(
		j, wrap_text("%s starts %s for the system", f->path, j->target.program),
		wrap_text("sudo vpnctl confine %.*s --vpn %s", (int)len, f->id, j->cover.vpn), e);
}

static int look_units(struct wrap_job *j, struct err *e)
{
	const struct wrap_layers l = {.own = "/etc/systemd/system",
				      .list = SYSTEM_DIRS,
				      .below = "",
				      .suffix = ".service"};

	return wrap_layers_each(j, &l, look_unit, e);
}

/* A table's line has the time, perhaps a user, and a command: any word may be the program. */
static bool names_program(const struct wrap_job *j, char *line)
{
	char *save;

	if (line[0] == '#')
		return false;
	for (char *w = strtok_r(line, " \t;&|()", &save); w; w = strtok_r(NULL, " \t;&|()", &save))
		if (!strcmp(w, j->target.program) || (w[0] == '/' && wrap_target_is(&j->target, w)))
			return true;
	return false;
}

static int look_table(struct wrap_job *j, const char *dir, const char *name, struct err *e)
{
	char path[PATH_MAX], *save;
	AUTO_FREE char *text = read_text(dir, name, path);

	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		if (names_program(j, line))
			return wrap_plan_tell(j, wrap_text("%s starts %s", path, j->target.program),
					      wrap_text("let the line there say vpnrun %s %s",
							j->cover.vpn, j->target.path),
					      e);
	return 0;
}

int wrap_look_around(struct wrap_job *j, const char *first, struct err *e)
{
	int r = 0;

	if (first[0])
		r = wrap_plan_tell(j,
				   wrap_text("%s is not in PATH before %s, so a shell starts "
					     "%s without the VPN",
					     j->bin, first, j->target.program),
				   wrap_text("put it first in your shell's profile: "
					     "export PATH=\"$HOME/.local/bin:$PATH\""),
				   e);
	r = r ?: look_names(j, e);
	r = r ?: look_icons(j, e);
	r = r ?: look_exports(j, e);
	r = r ?: look_units(j, e);
	r = r ?: look_table(j, "/etc", "crontab", e);
	r = r ?: each_file(j, "/etc/cron.d", look_table, e);
	return r ?: look_table(j, "/var/spool/cron/crontabs", getenv("USER") ?: "root", e);
}

/* --- what was made ---------------------------------------------------------------------------- */

static int look_at(struct wrap_job *j, const struct wrap_file *f, struct err *e)
{
	AUTO_FREE char *text = NULL;
	enum wrap_whose whose;
	const char *why = NULL;
	int r = wrap_whose_is(f->path, j->cover.mark, &whose, e);

	if (r < 0)
		return r;
	if (whose == WRAP_NOBODYS)
		why = "has nothing before it";
	else if (whose == WRAP_OTHERS)
		why = "was put there since it was wrapped";
	else if (whose == WRAP_EDITED)
		why = "is covered by a file that was changed since";
	else if (file_read(f->path, WRAP_TEXT_MAX, &text, NULL, e) < 0 ||
		 strcmp(text, f->text) != 0)
		why = "was changed since it was wrapped";
	if (!why)
		return 0;
	return wrap_plan_tell(j,
			      wrap_text("%s, which starts %s, %s", f->from, j->target.program, why),
			      wrap_text("wrap it again, as before"), e);
}

int wrap_look_at_files(struct wrap_job *j, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < j->n_files; i++)
		r = look_at(j, &j->files[i], e);
	return r;
}
