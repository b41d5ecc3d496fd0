/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "Already running?": refuses what would open its window outside, and says so where it may only be
 * meant. What a shell starts later nobody can refuse: for that, handing over is made impossible
 * inside for as long as an instance lives outside. Called by launch/run.c before anything is
 * confined.
 */
#include "launch/launch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "running/check.h"
#include "running/command.h"

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

int launch_check_running(const struct launch_options *o, const struct record *vpn,
			 struct running_state *ret, struct err *e)
{
	const struct running_where where = {.vpn = vpn, .with = o->with_pid};
	bool want_note = is_for_a_person(o->command) && isatty(STDERR_FILENO);
	int r = running_check(o->command, &where, want_note, ret, e);

	if (r < 0)
		return r;
	if (ret->note[0])
		log_info("note: %s", ret->note);
	return 0;
}

/* On X11 older ones hand over by the properties of windows, which no wall is around; newer ones by
 * the session bus alone. Each knows one of these, and then neither asks nor answers. */
void launch_hold_windows(void)
{
	setenv("MOZ_NO_REMOTE", "1", 1);
	setenv("MOZ_NEW_INSTANCE", "1", 1);
}
