/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a sandbox sees of the session and of who listens outside: looked for while the launch is in
 * the host's namespaces, shut in its own. Nothing of the command may run before all of it stands.
 * Steps of launch/run.c.
 */
#include "launch/state.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "box/landlock.h"
#include "ns/view.h"
#include "running/handover.h"
#include "session/bus.h"
#include "session/ssh.h"

/* --- before the namespaces -------------------------------------------------------------------- */

/* Directories in which no listener has to be covered. */
static const char *const *hidden_directories(const struct launch *l)
{
	static const char *const all[] = {"/tmp/", "/run/", "/var/run/", NULL};
	static const char *const tmp[] = {"/tmp/", NULL};

	if (l->network == LINE_HOST)
		return l->o->strict ? tmp : NULL;
	return l->o->strict ? all : all + 1;
}

static bool is_in_other_network(pid_t pid, void *arg)
{
	return holder_is_outside(pid, &(struct running_where){.vpn = arg});
}

/* A sandbox that runs already has its own. */
int launch_session_open(struct launch *l, struct err *e)
{
	const char *name = l->network == LINE_VPN ? l->record.name : "none";

	if (l->o->with_pid || l->network == LINE_HOST)
		name = NULL;
	/* What a strict sandbox has of it the line names: session_words_open(). */
	if (l->o->strict)
		return others_note_strict(name, &l->session, e);
	return session_open(name, &l->session, e);
}

int launch_listeners_list(struct launch *l, struct err *e)
{
	struct others others = {
		.session = &l->session, .is_outside = is_in_other_network, .arg = &l->record};
	int r = l->o->strict ? 0 : others_note_use(&l->session, e);

	l->listeners.hidden = hidden_directories(l);
	return r < 0 ? r : listeners_list(&l->listeners, &others, e);
}

/* Gives back what the words name, and does what that means. */
int launch_words_open(struct launch *l, struct err *e)
{
	unsigned int words = l->o->words;
	int r = session_words_open(words, l->o->strict, &l->session, &l->words, e);

	if (r == 0 && (words & SESSION_BUS))
		log_info("--allow bus: whoever listens on the session's bus can be asked to run "
			 "programs and to open connections outside the VPN");
	if (r == 0 && l->o->strict && (words & SESSION_SOUND))
		log_info("--allow sound: a sound server loads modules for whoever asks, and these "
			 "can run code and open connections outside the VPN");
	if (r == 0 && l->o->strict && (words & SESSION_X11))
		log_info("--allow x11: the command can see and type into all other X11 windows");
	return r;
}

/* That there is none shuts a door and opens none: the launch goes on. */
int launch_bus_join(struct launch *l, struct err *e)
{
	struct err why = ERR_INIT;

	(void)e;
	if (session_bus_join(&l->session, l->o->socket, &l->bus, &why) < 0)
		log_info("no session bus in VPN '%s': %s", l->session.name, why.msg);
	return 0;
}

/* --- in them ---------------------------------------------------------------------------------- */

static int fill_runtime(void *arg, struct err *e)
{
	return session_mount(arg, e);
}

static int allow_in_runtime(void *arg, const char *path, struct err *e)
{
	return session_allow(arg, path, e);
}

int launch_view_make(struct launch *l, struct err *e)
{
	struct view_report report;
	struct view_runtime runtime = {
		.path = l->session.runtime,
		.fill = fill_runtime,
		.allow = allow_in_runtime,
		.arg = &l->session,
	};
	struct ns_view v = {
		.runtime = launch_is_apart(l) ? &runtime : NULL,
		.resolv_conf = l->resolv_conf,
		.host_network = l->network == LINE_HOST,
		.own_userns = !l->root,
		.strict = l->o->strict,
		.display = l->o->words & (SESSION_WAYLAND | SESSION_X11),
		.grants = l->words.grants,
		.n_grants = l->words.n_grants,
		.allow = l->o->allow,
		.n_allow = l->o->n_allow,
	};
	int r = v.runtime ? session_enter(&l->session, e) : 0;

	if (r == 0)
		r = ns_view_make(&v, &report, e);
	if (r < 0)
		return r;
	if (report.etc_copied)
		log_debug("the kernel makes no overlay over /etc here: it is a copy");
	if (report.sys_masked)
		log_debug(
			"the kernel mounts no new /sys here: only its network devices are hidden");
	return 0;
}

int launch_listeners_cover(struct launch *l, struct err *e)
{
	struct listeners_allowed allowed = {
		.session = &l->session,
		.classes = l->session.classes | l->o->words,
		.paths = l->o->allow,
		.n_paths = l->o->n_allow,
		.home = getenv("HOME"),
	};
	size_t n = 0;
	int r = session_ssh_cover(&l->session, allowed.home, e);

	if (r == 0)
		r = running_handovers_shut(l->running.handovers, e);
	if (r == 0)
		r = listeners_cover(&l->listeners, &allowed, &n, e);
	if (r == 0 && n)
		log_debug("%zu sockets with a listener outside are dead", n);
	return r;
}

int launch_words_finish(struct launch *l, struct err *e)
{
	return session_words_finish(&l->words, l->o->command ? l->o->command[0] : "shell",
				    &l->display, e);
}

/* A right of the file system forbids mount(2), so sockets
 * with a path are shut only where the policy forbids that, too. */
int launch_scope_enter(struct launch *l, struct err *e)
{
	const char *allowed[LINE_ALLOW_MAX + SESSION_GRANTS_MAX + 1];
	/* Who joins a sandbox is not of its domain, and has to reach its sockets. */
	bool sockets = !l->o->with_pid && (!l->o->policy || strcmp(l->o->policy, "strict") == 0);
	char wayland[PATH_MAX + 16];
	size_t n = 0;
	int r;

	for (size_t i = 0; i < l->o->n_allow; i++)
		allowed[n++] = l->o->allow[i];
	for (size_t i = 0; i < l->words.n_grants; i++)
		allowed[n++] = l->words.grants[i].dst;
	if (l->display >= 0) {
		snprintf(wayland, sizeof(wayland), "%s/wayland-0", l->session.runtime);
		allowed[n++] = wayland;
	}
	r = box_landlock_enter(sockets, allowed, n, e);
	if (r == BOX_LANDLOCK_NONE)
		log_debug("this kernel cannot keep signals in (Landlock, Linux 6.12)");
	return r < 0 ? r : 0;
}
