/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "Already running?": refuses what would open its window outside, and says so where it may only be
 * meant. What a shell starts later nobody can refuse: for that, handing over is made impossible
 * inside for as long as an instance lives outside. Called by launch/run.c before anything is
 * confined.
 */
#include "launch/launch.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "running/check.h"
#include "running/command.h"
#include "session/words.h"

/* A shell without a script: a person will type there. */
static bool is_for_a_person(char *const *command)
{
	const char *name = command ? running_base(command[0]) : "sh";
	size_t len = strlen(name);

	if (command && command[1] && command[1][0] != '-')
		return false;
	for (size_t i = 1; command && command[i]; i++)
		if (!strcmp(command[i], "-c"))
			return false;
	return len >= 2 && !strcmp(name + len - 2, "sh");
}

int launch_check_running(const struct line_options *o, const struct record *vpn,
			 struct running_state *ret, struct err *e)
{
	const char *display = getenv("DISPLAY");
	const struct running_where where = {
		.vpn = vpn,
		.with = o->with_pid,
		.x11 = display && *display && (!o->strict || (o->words & SESSION_X11)),
		.outer_bus = o->words & SESSION_BUS,
	};
	bool want_note = is_for_a_person(o->command) && isatty(STDERR_FILENO);
	int r = running_check(o->command, &where, want_note, ret, e);

	if (r < 0)
		return r;
	if (ret->note[0])
		log_info("note: %s", ret->note);
	return 0;
}

/* The socket by which a Chromium would hand over is dead inside. One that finds it so takes the
 * lock and the data for left over by a crash, and two write the same files. */
static void set_own_chromium(const char *name)
{
	const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
	char path[PATH_MAX];
	int n;

	if (config && config[0] == '/')
		n = str_fmt(path, sizeof(path), "%s/vpnrun/%s/chromium", config, name);
	else
		n = str_fmt(path, sizeof(path), "%s/.config/vpnrun/%s/chromium", home ? home : "",
			    name);
	if (n > 0)
		setenv("CHROME_USER_DATA_DIR", path, 0);
}

/* The session bus inside is the VPN's own: what hands over by it stays inside. On X11 Firefoxes
 * since 74 would do so by the properties of windows, around which there is no wall, unless they are
 * told to use the bus; what is older, or built without it, can only be told not to hand over at
 * all. */
void launch_hold_windows(const struct record *vpn, bool own_bus, const struct running_state *s)
{
	if (own_bus)
		setenv("MOZ_DBUS_REMOTE", "1", 0);
	if (s->gecko)
		setenv("MOZ_NO_REMOTE", "1", 1);
	if (s->gecko && !own_bus)
		setenv("MOZ_NEW_INSTANCE", "1", 1);
	if (s->chromium)
		set_own_chromium(vpn->id ? vpn->name : "none");
}
