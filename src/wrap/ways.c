/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ways.h. One function a kind; each adds files to the plan, and tells of what it may not
 * change.
 */
#include "wrap/ways.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "wrap/browsers.h"
#include "wrap/desktop.h"
#include "wrap/layers.h"
#include "wrap/service.h"
#include "wrap/units.h"

/* --- where ------------------------------------------------------------------------------------ */

static int find_dir(const char *variable, const char *home, const char *usual, char ret[PATH_MAX])
{
	const char *v = getenv(variable);

	return v && v[0] == '/' ? str_copy(ret, PATH_MAX, v)
				: str_fmt(ret, PATH_MAX, "%s/%s", home, usual);
}

int wrap_find_places(struct wrap_job *j, struct err *e)
{
	const char *home = getenv("HOME"), *run = getenv("XDG_RUNTIME_DIR");

	if (!home || home[0] != '/')
		return err_set(e, -ENOENT, "HOME is not set");
	if (str_copy(j->home, sizeof(j->home), home) < 0 ||
	    find_dir("XDG_DATA_HOME", home, ".local/share", j->data) < 0 ||
	    find_dir("XDG_CONFIG_HOME", home, ".config", j->config) < 0 ||
	    str_fmt(j->bin, sizeof(j->bin), "%s/.local/bin", home) < 0 ||
	    str_copy(j->run, sizeof(j->run), run && run[0] == '/' ? run : "") < 0)
		return err_set(e, -ENAMETOOLONG, "the path of the home directory is too long");
	if (strpbrk(home, "\n\r\"\\"))
		return err_set(e, -EINVAL, "the path %s has characters that no wrapper can hold",
			       home);
	return 0;
}

/* --- the command itself ----------------------------------------------------------------------- */

static int plan_command(struct wrap_job *j, struct err *e)
{
	const struct wrap_cover *c = &j->cover;
	char path[PATH_MAX];
	struct wrap_file f = {WRAP_COMMAND, 0755, path, NULL, j->target.path};

	if (str_fmt(path, sizeof(path), "%s/%s", j->bin, j->target.program) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of the home directory is too long");
	f.text = wrap_text("#!/bin/sh\n#%s\nexec %s %s%s%s \"$@\"\n", c->mark, c->prefix,
			   j->target.path, c->options[0] ? " " : "", c->options);
	return wrap_plan_add(j, &f, e);
}

/* --- what desktops and session buses start ---------------------------------------------------- */

static int add(struct wrap_job *j, const struct wrap_found *found, enum wrap_kind kind, char *text,
	       struct err *e)
{
	char path[PATH_MAX], from[PATH_MAX];
	struct wrap_file f = {kind, 0644, path, text, from};

	if (str_fmt(path, sizeof(path), "%s/%s", found->dir, found->id) < 0 ||
	    str_copy(from, sizeof(from), found->path) < 0) {
		free(text);
		return err_set(e, -ENAMETOOLONG, "the path of the home directory is too long");
	}
	return wrap_plan_add(j, &f, e);
}

/* A script does other things, too, perhaps such as must not go through the VPN. */
static int tell_script(struct wrap_job *j, const char *path, struct err *e)
{
	return wrap_plan_tell(
		j, wrap_text("%s starts a script that leads to %s", path, j->target.program),
		wrap_text("wrap that script, too, by its name in PATH, or let it say "
			  "%s/%s",
			  j->bin, j->target.program),
		e);
}

static int plan_entry(struct wrap_job *j, const struct wrap_found *f, enum wrap_kind kind,
		      struct err *e)
{
	enum wrap_how how = desktop_judge(f->text, &j->target);

	if (how == WRAP_OTHER || desktop_is_hidden(f->text))
		return 0;
	return how == WRAP_SCRIPT ? tell_script(j, f->path, e)
				  : add(j, f, kind, desktop_wrap(f->text, &j->cover), e);
}

static int plan_menu(struct wrap_job *j, const struct wrap_found *f, struct err *e)
{
	return plan_entry(j, f, WRAP_ENTRY, e);
}

static int plan_autostart(struct wrap_job *j, const struct wrap_found *f, struct err *e)
{
	return plan_entry(j, f, WRAP_AUTOSTART, e);
}

/* Xfce's entry "Web Browser" and all links go by one, also where it starts Debian's script that
 * chooses a browser: what else that does is to choose, and the choice is made. */
static int plan_helper(struct wrap_job *j, const struct wrap_found *f, struct err *e)
{
	return helper_judge(f->text, &j->target) == WRAP_OTHER
		       ? 0
		       : add(j, f, WRAP_HELPER, helper_wrap(f->text, &j->cover), e);
}

static int plan_service(struct wrap_job *j, const struct wrap_found *f, struct err *e)
{
	enum wrap_how how = service_judge(f->text, &j->target);

	if (how == WRAP_OTHER)
		return 0;
	return how == WRAP_SCRIPT ? tell_script(j, f->path, e)
				  : add(j, f, WRAP_SERVICE, service_wrap(f->text, &j->cover), e);
}

static const struct {
	bool is_config;
	struct wrap_layers layers; /* without directories */
	int (*fn)(struct wrap_job *j, const struct wrap_found *f, struct err *e);
} kinds[] = {
	{false, {.below = "/applications", .suffix = ".desktop", .deep = true}, plan_menu},
	{true, {.below = "/autostart", .suffix = ".desktop"}, plan_autostart},
	{false, {.below = "/xfce4/helpers", .suffix = ".desktop"}, plan_helper},
	{false,
	 {.below = "/dbus-1/services", .suffix = ".service", .identity = "Name"},
	 plan_service},
};

static int plan_kind(struct wrap_job *j, size_t i, struct err *e)
{
	struct wrap_layers l = kinds[i].layers;
	char own[PATH_MAX];

	l.list = kinds[i].is_config ? wrap_config_dirs() : wrap_data_dirs();
	l.own = own;
	if (str_fmt(own, sizeof(own), "%s%s", kinds[i].is_config ? j->config : j->data, l.below) <
	    0)
		return err_set(e, -ENAMETOOLONG, "the path of the home directory is too long");
	return wrap_layers_each(j, &l, kinds[i].fn, e);
}

int wrap_plan_ways(struct wrap_job *j, struct err *e)
{
	int r = plan_command(j, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kinds); i++)
		r = plan_kind(j, i, e);
	r = r ?: wrap_plan_units(j, e);
	return r ?: wrap_plan_browsers(j, e);
}
