/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the order of a launch: the list below is all that it does, and -v prints it with the time
 * that each step took. Must never fork but where a port is published, never run the command with
 * less around it than was asked for, and leave nothing behind if it is killed: all that it makes is
 * in namespaces of its own. Called by main.
 *
 * What the order is forced by: descriptors are looked at while all of them are inherited ones; the
 * broker wants to be connected to from the initial user namespace, and works while we mount; the
 * policy is read before /etc and /run change; who listens outside is listed where that can be seen,
 * and covered when all else is mounted; powers go last, the filter last of all.
 */
#include "launch/state.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "box/apparmor.h"
#include "box/fds.h"
#include "line/hint.h"
#include "line/identity.h"
#include "running/elf.h"

/* --- small steps ------------------------------------------------------------------------------ */

static int guard_streams(struct launch *l, struct err *e)
{
	(void)l;
	return box_fds_guard_stdio(e);
}

static int become_user(struct launch *l, struct err *e)
{
	int r = line_become(l->o, &l->by_sudo, e);

	l->root = geteuid() == 0;
	return r;
}

static int find_vpn(struct launch *l, struct err *e)
{
	return line_find(l->o->vpn, &l->network, &l->record, e);
}

static int check_line(struct launch *l, struct err *e)
{
	const struct line_options *o = l->o;
	int r;

	if (l->network == LINE_HOST && (o->publish.n || o->reach.n))
		return err_set(e, -EINVAL,
			       "'host' is the host's own network: its ports need neither "
			       "-p nor --reach");
	if (o->expose.n && l->network != LINE_VPN)
		return err_set(e, -EINVAL, "-e opens a port of a VPN's: give a VPN");
	if (o->lan && l->network != LINE_VPN)
		return err_set(e, -EINVAL,
			       "--lan reaches the LAN from within a VPN: give a VPN whose file has "
			       "\"allow_lan\"");
	if (!o->lan)
		return 0;
	r = record_check_lan(&l->record, e);
	return r ?: record_check_lan_dns(&l->record, o->dns, o->n_dns, "--dns", e);
}

static int check_running(struct launch *l, struct err *e)
{
	const struct line_options *o = l->o;

	if (l->network != LINE_HOST && !o->allow_running)
		return launch_check_running(o, &l->record, &l->running, e);
	running_find_i386(o->command, l->running.i386, sizeof(l->running.i386));
	return 0;
}

static int say_dead(struct launch *l, struct err *e)
{
	(void)e;
	line_say_dead(&l->record);
	return 0;
}

static int say_hint(struct launch *l, struct err *e)
{
	(void)e;
	line_say_hint(l->o->command[0], l->by_sudo);
	return 0;
}

static int filter_descriptors(struct launch *l, struct err *e)
{
	int r = box_fds_check_stdio(l->o->keep_fd, l->o->n_keep_fd, e);

	return r < 0 ? r : box_fds_filter(l->o->keep_fd, l->o->n_keep_fd, &l->closed_fds, e);
}

static int open_ports(struct launch *l, struct err *e)
{
	return launch_ports_open(l->o, &l->ports, e);
}

static int serve_ports(struct launch *l, struct err *e)
{
	return launch_ports_serve(l->o, &l->record, l->host, &l->ports, e);
}

static int leave_apparmor(struct launch *l, struct err *e)
{
	(void)l;
	return box_apparmor_leave(e);
}

static int set_environment(struct launch *l, struct err *e)
{
	(void)e;
	launch_clean_env(l->session.runtime, l->closed_fds > 0);
	if (l->network != LINE_HOST && !l->o->allow_running)
		launch_hold_windows(&l->record, !(l->o->words & SESSION_BUS), &l->running);
	return 0;
}

/* --- when a step applies ---------------------------------------------------------------------- */

static bool joins(const struct launch *l)
{
	return l->o->with_pid;
}

static bool finds_vpn(const struct launch *l)
{
	return !joins(l);
}

static bool has_vpn(const struct launch *l)
{
	return l->network == LINE_VPN;
}

/* Who has given something back knows what for. */
static bool may_need_hint(const struct launch *l)
{
	return l->o->command && l->network != LINE_HOST && !l->o->n_allow;
}

static bool makes_sandbox(const struct launch *l)
{
	return !joins(l) && (launch_is_apart(l) || l->o->n_dns);
}

static bool makes_session(const struct launch *l)
{
	return !joins(l) && launch_is_apart(l);
}

static bool makes_network(const struct launch *l)
{
	return !joins(l) && l->network != LINE_HOST;
}

static bool asks_broker(const struct launch *l)
{
	return has_vpn(l) && !l->root;
}

static bool joins_bus(const struct launch *l)
{
	return makes_network(l) && !l->o->strict && !l->root && !(l->o->words & SESSION_BUS);
}

static bool has_words(const struct launch *l)
{
	return makes_sandbox(l) && (l->o->words || l->o->strict);
}

static bool has_cable(const struct launch *l)
{
	return l->nl.fd >= 0 && l->host;
}

/* The host's network without a change of names is no sandbox unless a policy makes it one. */
static bool is_confined(const struct launch *l)
{
	return launch_is_apart(l) || l->o->n_dns || l->o->policy || joins(l);
}

static bool is_strict(const struct launch *l)
{
	return l->strict;
}

/* --- the list --------------------------------------------------------------------------------- */

static const struct {
	const char *done;			 /* as -v says it, and benchmarks read it */
	bool (*applies)(const struct launch *l); /* NULL: always */
	int (*run)(struct launch *l, struct err *e);
} steps[] = {
	{"standard streams", NULL, guard_streams},
	{"user", NULL, become_user},
	{"VPN found", finds_vpn, find_vpn},
	{"line checked", NULL, check_line},
	{"no instance outside", launch_is_apart, check_running},
	{"tunnel alive", has_vpn, say_dead},
	{"hint", may_need_hint, say_hint},
	{"descriptors", launch_is_apart, filter_descriptors},
	{"name servers", NULL, launch_resolv_write},
	{"policy read", NULL, launch_filter_read},
	{"ports listen", NULL, open_ports},
	{"session", launch_is_apart, launch_session_open},
	{"listeners outside listed", makes_session, launch_listeners_list},
	{"words", has_words, launch_words_open},
	{"connected to the broker", asks_broker, launch_broker_connect},
	{"session bus", joins_bus, launch_bus_join},
	{"sandbox entered", joins, launch_sandbox_join},
	{"namespaces", makes_sandbox, launch_namespaces_enter},
	{"cable asked for", makes_network, launch_cable_ask},
	{"names, /run and /sys hidden", makes_sandbox, launch_view_make},
	{"listeners covered", makes_session, launch_listeners_cover},
	{"the session's rest", has_words, launch_words_finish},
	{"cable plugged", makes_network, launch_cable_take},
	{"network configured", makes_network, launch_network_set},
	{"ports served", NULL, serve_ports},
	{"AppArmor left", NULL, leave_apparmor},
	/* This is done as late as may be, for the kernel goes on with it meanwhile. */
	{"cable ready", has_cable, launch_cable_wait},
	{"environment", is_confined, set_environment},
	{"Landlock", is_strict, launch_scope_enter},
	{"powers dropped", is_confined, launch_filter_enter},
};

static int run_steps(struct launch *l, struct err *e)
{
	launch_step("start");
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int r = steps[i].applies && !steps[i].applies(l) ? 1 : steps[i].run(l, e);

		if (r < 0)
			return r;
		if (r == 0)
			launch_step(steps[i].done);
	}
	return 0;
}

static int become_command(const struct line_options *o, struct err *e)
{
	char *shell[] = {NULL, NULL};
	char **argv = o->command;
	union {
		const char *in;
		char *out;
	} u = {.in = NULL}; /* execve(2) has no const */

	if (!argv) {
		u.in = line_shell();
		shell[0] = u.out;
		argv = shell;
	}
	launch_steps_print();
	return launch_exec(argv, e);
}

static void close_launch(struct launch *l)
{
	relay_sandbox_close(&l->ports);
	util_close(&l->sock);
	util_close(&l->netns);
	util_close(&l->host_netns);
	util_close(&l->bus);
	session_close(&l->session);
	listeners_free(&l->listeners);
	session_words_close(&l->words);
	nl_sock_close(&l->nl);
}

int launch_run(const struct line_options *o, struct err *e)
{
	struct launch l = {.o = o,
			   .strict = o->strict,
			   .network = LINE_NONE,
			   .sock = -1,
			   .netns = -1,
			   .host_netns = -1,
			   .bus = -1,
			   .session = SESSION_INIT,
			   .listeners = LISTENERS_INIT,
			   .display = -1,
			   .words = SESSION_WORDS_INIT,
			   .nl = NL_SOCK_INIT,
			   .ports = RELAY_SANDBOX_INIT};
	struct sandbox around;
	int r = launch_inside(o, &around, e);

	if (r == 1)
		return launch_filter_add(&l, &around, e) < 0 ? LAUNCH_FAILED : become_command(o, e);
	if (r == 0)
		r = run_steps(&l, e);
	close_launch(&l);
	return r < 0 ? LAUNCH_FAILED : become_command(o, e);
}
