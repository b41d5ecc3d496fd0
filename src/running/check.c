/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that hand a new window over to an instance that runs already: started in a sandbox, they
 * would show a page that was fetched outside of it. Found by what the command leads to, what kind
 * of program that is, and who holds the lock of its profile. Must cost little for every other
 * program, and must never take a lock that a crash left for a living instance. Called by the
 * launcher before anything is confined.
 */
#include "running/check.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "running/command.h"
#include "running/elf.h"
#include "running/handover.h"
#include "running/kind.h"
#include "running/places.h"
#include "running/remote.h"

struct check {
	const struct running_where *where;
	const struct places *places; /* NULL: there is no home */
	const struct running_program *program;
	const char *app;  /* of flatpak's */
	bool is_chromium; /* one of the programs was */
	struct running_state *state;
	struct err *e;
};

/* The value of an option written as "NAME VALUE" or "NAME=VALUE"; NULL: not there. */
static const char *option_value(char *const *argv, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 1; argv[0] && argv[i]; i++) {
		const char *a = argv[i];

		if (a[0] == '-' && a[1] == '-' && name[1] != '-')
			a++; /* Gecko takes either */
		if (!strncmp(a, name, len) && a[len] == '=')
			return a + len + 1;
		if (!strcmp(a, name))
			return argv[i + 1];
	}
	return NULL;
}

static bool has_option(char *const *argv, const char *name)
{
	for (size_t i = 1; argv[0] && argv[i]; i++)
		if (!strcmp(argv[i], name) || (argv[i][0] == '-' && !strcmp(argv[i] + 1, name)))
			return true;
	return false;
}

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value;
}

static int refuse(const struct check *c, pid_t pid, const char *instead)
{
	const char *name = c->app ? c->app : running_base(c->program->path);
	char who[24] = "";

	if (pid > 0)
		str_fmt(who, sizeof(who), " (process %d)", pid);
	return err_set(c->e, -EBUSY,
		       "%.60s runs already outside this sandbox%s and would take the new window: "
		       "close it first, or %s, or say --allow-running",
		       name, who, instead);
}

/* --- Gecko ------------------------------------------------------------------------------------ */

/* "firefox" of "firefox-esr" and "firefox.real". */
static void stem_of(const char *path, char ret[64])
{
	const char *base = running_base(path);
	size_t n = 0;

	while (n < 63 && isalnum((unsigned char)base[n]))
		n++;
	memcpy(ret, base, n);
	ret[n] = '\0';
}

static pid_t find_gecko(const struct check *c, const char *profile)
{
	const struct places *p = c->places;
	char home[160], config[160], dir[PATH_MAX], stem[64];
	pid_t found = 0;

	if (running_gecko_places(c->program->path, home, config, sizeof(home)) < 0) {
		stem_of(c->program->path, stem);
		return places_find_gecko(p, stem, profile, c->where);
	}
	if (str_fmt(dir, sizeof(dir), "%s/%s", p->home, home) > 0)
		found = places_find_profile(dir, profile, c->where);
	if (!found && str_fmt(dir, sizeof(dir), "%s/%s", p->config, config) > 0)
		found = places_find_profile(dir, profile, c->where);
	return found;
}

static int check_gecko(const struct check *c)
{
	char *const *argv = c->program->argv;
	const char *dir = option_value(argv, "-profile"), *name = option_value(argv, "-P");
	char end[256], instead[200];
	pid_t pid;

	if (has_option(argv, "-no-remote") || has_option(argv, "-new-instance") ||
	    is_set("MOZ_NO_REMOTE") || is_set("MOZ_NEW_INSTANCE"))
		return 0;
	if (!name || str_fmt(end, sizeof(end), ".%s", name) < 0)
		end[0] = '\0';
	pid = dir ? holder_of_profile(dir, c->where) : find_gecko(c, end);
	str_fmt(instead, sizeof(instead), "use another profile (%.60s -P NAME)",
		running_base(c->program->path));
	return pid ? refuse(c, pid, instead) : 0;
}

/* --- Chromium --------------------------------------------------------------------------------- */

/* The first word of a command line that is no option: what a system's Electron runs. */
static const char *first_word(char *const *argv)
{
	for (size_t i = 1; argv[0] && argv[i]; i++)
		if (argv[i][0] != '-')
			return argv[i];
	return NULL;
}

static bool has_argument(pid_t pid, const char *word)
{
	AUTO_FREE char *text = NULL;
	char path[40];
	size_t len;

	str_fmt(path, sizeof(path), "/proc/%d/cmdline", pid);
	return file_read(path, 65536, &text, &len, NULL) < 0 ||
	       memmem(text, len, word, strlen(word)) != NULL;
}

/* The lock's holder is the program, or of its directory, or called like it. */
static bool is_same_program(pid_t pid, const struct running_program *p)
{
	char exe[PATH_MAX], stem[64];
	const char *slash, *app;
	size_t len;

	if (!holder_exe(pid, exe, sizeof(exe)))
		return true;
	app = first_word(p->argv);
	if (!strcmp(exe, p->path) && str_starts(running_base(exe), "electron") && app)
		return has_argument(pid, app);
	slash = strrchr(exe, '/');
	len = slash ? (size_t)(slash - exe) + 1 : 0;
	stem_of(exe, stem);
	return !strcmp(exe, p->path) ||
	       (len > strlen("/usr/bin/") && !strncmp(exe, p->path, len)) ||
	       (stem[0] && strstr(running_base(p->path), stem));
}

static pid_t holds_ours(const char *dir, void *arg)
{
	const struct check *c = arg;
	pid_t pid = holder_of_singleton(dir, c->where);

	return pid && is_same_program(pid, c->program) ? pid : 0;
}

static int check_chromium(struct check *c)
{
	const char *dir = option_value(c->program->argv, "--user-data-dir");
	char instead[200];
	pid_t pid = dir ? holder_of_singleton(dir, c->where)
			: places_each_data_dir(c->places, holds_ours, c);

	str_fmt(instead, sizeof(instead), "use another profile (%.60s --user-data-dir=DIR)",
		running_base(c->program->path));
	return pid ? refuse(c, pid, instead) : 0;
}

/* --- flatpak ---------------------------------------------------------------------------------- */

static const char *flatpak_app(char *const *argv)
{
	size_t i = 1;

	while (argv[i] && argv[i][0] == '-')
		i++;
	if (!argv[i] || strcmp(argv[i], "run") != 0)
		return NULL;
	for (i++; argv[i] && argv[i][0] == '-'; i++)
		;
	return argv[i];
}

static pid_t has_singleton(const char *dir, void *arg)
{
	char path[PATH_MAX];
	struct stat st;

	(void)arg;
	return str_fmt(path, sizeof(path), "%s/SingletonLock", dir) > 0 && lstat(path, &st) == 0;
}

/* Its own number of the process says nothing out here. */
static pid_t runs_as_flatpak(const char *app, pid_t pid, void *arg)
{
	const struct check *c = arg;
	struct places theirs;

	if (strcmp(app, c->app) != 0 || !holder_is_outside(pid, c->where) ||
	    places_of_flatpak(c->places, app, &theirs) < 0)
		return 0;
	return places_find_gecko(&theirs, NULL, NULL, c->where) ||
			       places_each_data_dir(&theirs, has_singleton, NULL)
		       ? pid
		       : 0;
}

static int check_flatpak(struct check *c)
{
	pid_t pid;

	c->app = flatpak_app(c->program->argv);
	pid = c->app ? places_each_flatpak(c->places, runs_as_flatpak, c) : 0;
	return pid ? refuse(c, pid, "use another profile") : 0;
}

static pid_t is_gecko_flatpak(const char *app, pid_t pid, void *arg)
{
	const struct check *c = arg;
	struct places theirs;

	return holder_is_outside(pid, c->where) &&
			       places_of_flatpak(c->places, app, &theirs) == 0 &&
			       places_find_gecko(&theirs, NULL, NULL, c->where)
		       ? pid
		       : 0;
}

/* --- the others ------------------------------------------------------------------------------- */

static int check_wine(const struct check *c)
{
	const char *prefix = c->program->wine ? c->program->wine : getenv("WINEPREFIX");
	char home[PATH_MAX];
	pid_t pid;

	if (!prefix || !*prefix) {
		if (str_fmt(home, sizeof(home), "%s/.wine", c->places->home) < 0)
			return 0;
		prefix = home;
	}
	pid = holder_of_prefix(prefix, c->where);
	if (!pid)
		return 0;
	return err_set(c->e, -EBUSY,
		       "Wine runs already outside this sandbox with the prefix %.100s (wineserver, "
		       "process %d), which would open all connections: end it with wineserver -k, "
		       "or use another prefix (WINEPREFIX=DIR), or say --allow-running",
		       prefix, pid);
}

static int check_snap(const struct check *c)
{
	return err_set(c->e, -EPERM,
		       "%.60s is a snap, whose starter needs privileges that nothing inside a "
		       "sandbox has: use the program as a package of your distribution, of its "
		       "makers or of flatpak",
		       running_base(c->program->argv[0]));
}

/* By the VPN's own bus it gets a server inside. */
static int check_server(const struct check *c)
{
	if (!c->where->outer_bus)
		return 0;
	return err_set(
		c->e, -EBUSY,
		"%s opens its windows in a server that the session's bus starts outside the "
		"sandbox: leave out --allow bus, or run vpnrun inside a terminal instead, or "
		"say --allow-running",
		running_base(c->program->path));
}

static int check_remote(const struct check *c)
{
	const char *name = running_base(c->program->argv[0]);
	pid_t pid = running_remote(c->program, c->where);

	if (!pid)
		return 0;
	return err_set(c->e, -EBUSY,
		       "%.60s runs already outside this sandbox (process %d) and would open by X11 "
		       "what it is asked to: leave out the option, close it first, or say "
		       "--allow-running",
		       name, pid);
}

static int check_handover(const struct check *c)
{
	const char *word;
	pid_t pid = running_handover(c->program, c->places, c->where, &word);

	if (!pid)
		return check_remote(c);
	return err_set(c->e, -EBUSY,
		       "%s runs already outside this sandbox (process %d) and would do what %.60s "
		       "is asked to: end it first, or say --allow-running",
		       word, pid, running_base(c->program->argv[0]));
}

static int check_program(const struct running_program *p, void *arg)
{
	struct check *c = arg;
	enum running_kind kind = running_kind_of(p->path);

	c->program = p;
	c->app = NULL;
	if (!c->state->i386[0] && running_is_i386(p->path))
		snprintf(c->state->i386, sizeof(c->state->i386), "%.199s", p->path);
	if (kind == KIND_SNAP)
		return check_snap(c);
	if (kind == KIND_SERVER)
		return check_server(c);
	if (!c->places)
		return 0;
	switch (kind) {
	case KIND_GECKO:
		return check_gecko(c);
	case KIND_CHROMIUM:
		c->is_chromium = true;
		return check_chromium(c);
	case KIND_FLATPAK:
		return check_flatpak(c);
	case KIND_WINE:
		return check_wine(c);
	case KIND_OTHER:
		return check_handover(c);
	case KIND_SNAP:
	case KIND_SERVER:
		break;
	}
	return 0;
}

/* --- the state -------------------------------------------------------------------------------- */

static pid_t holds_any(const char *dir, void *arg)
{
	const struct check *c = arg;

	return holder_of_singleton(dir, c->where);
}

static void look_around(struct check *c, bool want_note, struct running_state *ret)
{
	char exe[PATH_MAX];
	pid_t pid = places_find_gecko(c->places, NULL, NULL, c->where);

	if (!pid)
		pid = places_each_flatpak(c->places, is_gecko_flatpak, c);
	ret->gecko = pid != 0;
	ret->chromium = !c->is_chromium && places_find_chromium(c->places, c->where);
	ret->handovers = running_handovers(c->places, c->where);
	if (!want_note)
		return;
	if (!pid)
		pid = places_each_data_dir(c->places, holds_any, c);
	if (!pid)
		return;
	if (pid < 0 || !holder_exe(pid, exe, sizeof(exe)))
		str_copy(exe, sizeof(exe), "a browser");
	str_fmt(ret->note, sizeof(ret->note),
		"%.60s runs outside this sandbox: to open it in here as well, close it there or "
		"give it another profile",
		running_base(exe));
}

int running_check(char *const *argv, const struct running_where *w, bool want_note,
		  struct running_state *ret, struct err *e)
{
	struct running_state state = {0};
	struct places places;
	struct check c = {.where = w, .state = &state, .e = e};
	int r;

	if (places_find(&places) == 0)
		c.places = &places;
	r = running_each(argv, check_program, &c);
	if (r < 0)
		return r;
	if (c.places)
		look_around(&c, want_note, &state);
	*ret = state;
	return 0;
}
