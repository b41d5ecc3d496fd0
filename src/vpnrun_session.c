/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnrun-session: stays beside the programs of one user and VPN for as long as one of them runs.
 * When the first of them asks for its session's bus, it starts the VPN's own and carries between
 * that and the session's what policy/dbus/ lists. A launcher starts it with three descriptors
 * (ipc/use.h) and never waits for it; it holds nothing of the caller's. What it reads of either bus
 * is read by a process that can start nothing, and open files only to read.
 *
 *	vpnrun-session VPN [BROKER-SOCKET]
 *	vpnrun-session --wait		run by the VPN's bus in place of a service that is carried:
 *					ends when it is known whether that is there
 */
#include <dbus/dbus.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "box/seccomp.h"
#include "bus/bridge.h"
#include "bus/daemon.h"
#include "bus/loop.h"
#include "bus/place.h"
#include "bus/use.h"
#include "ipc/use.h"
#include "session_filter.h"

#define LINGER_MS 2000 /* after the last program: the next one need not start it all anew */
#define WAIT_MS	  100
#define WAIT_MAX  200

struct bus_helper {
	const char *vpn, *broker;
	char program[PATH_MAX];
	struct daemon bus;
	bool ended, asked, down;
	int64_t idle_since; /* 0: in use */
};

static struct bus_policy policy; /* large, and one a process */
static struct bridge bridge;

/* --- in place of a service ------------------------------------------------------------------- */

static bool is_known(DBusConnection *c)
{
	return dbus_bus_name_has_owner(c, BRIDGE_READY_NAME, NULL);
}

/* The bus keeps the calls for the service meanwhile. If it is there, it has got its name by the end
 * of this, and the bus has handed them over; if it is not, they fail by our status. */
static int wait_for_bridge(void)
{
	DBusConnection *c = dbus_bus_get_private(DBUS_BUS_STARTER, NULL);

	if (!c)
		return 1;
	for (int i = 0; i < WAIT_MAX && !is_known(c); i++)
		dbus_connection_read_write_dispatch(c, WAIT_MS);
	return 1;
}

/* --- beginning ------------------------------------------------------------------------------- */

/* For this process alone: a program with more descriptors than select(2) knows fails in strange
 * ways, so what the bus starts has to have the user's own limit. */
static void raise_limit(struct daemon *bus)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	bus->files = l.rlim_cur;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}

/* Must stay dumpable: the portal opens /proc/PID/root of whoever calls it, to see whether that is a
 * flatpak, and refuses everything where it cannot. Programs inside cannot look there all the same,
 * because they are in a user namespace of their own. */
static int confine(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot confine the helper");
	return box_seccomp_load_program(session_filter, ARRAY_SIZE(session_filter), e);
}

static void on_bus_end(int fd, void *arg)
{
	(void)arg;
	bus_loop_remove(fd);
	bridge.ended = true;
}

/* The first program connects: it waits in the socket's queue until the bus is there. */
static void on_first(int fd, void *arg)
{
	struct bus_helper *s = arg;
	const struct daemon_how how = {fd, s->program, s->vpn, s->broker};
	struct err e = ERR_INIT;
	int r;

	bus_loop_remove(fd);
	r = daemon_start(&s->bus, &how, &e);
	close(fd);
	if (r == 0) {
		use_ignore(s->bus.pid);
		r = bus_loop_add(s->bus.pidfd, on_bus_end, s);
	}
	if (r == 0)
		r = confine(&e);
	if (r == 0)
		r = bridge_start(&bridge, &e);
	if (r < 0) {
		log_error("%s", e.msg);
		s->ended = true;
	}
}

static void on_signal(int fd, void *arg)
{
	struct bus_helper *s = arg;

	(void)fd;
	s->ended = true;
}

static int watch_signals(struct bus_helper *s, struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? err_sys(e, -errno, "cannot watch for signals")
		      : bus_loop_add(fd, on_signal, s);
}

static int begin(struct bus_helper *s, struct err *e)
{
	const char *addresses = getenv("DBUS_SESSION_BUS_ADDRESS");
	ssize_t n = readlink("/proc/self/exe", s->program, sizeof(s->program) - 1);
	int r;

	if (n < 0)
		return err_sys(e, -errno, "cannot find the program's own path");
	s->program[n] = '\0';
	raise_limit(&s->bus);
	r = bus_policy_load(&policy, e);
	if (r == 0)
		r = watch_signals(s, e);
	for (int fd = USE_FD_BUS; r == 0 && fd < USE_FD_END; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			r = err_sys(e, -errno, "descriptor %d is missing", fd);
	bridge.policy = &policy;
	bridge.addresses = addresses ? addresses : "";
	/* This is the socket that no program inside can put another in the place of. */
	bridge.inner = "unix:path=/proc/self/fd/5/" USE_BUS;
	_Static_assert(USE_FD_DIR == 5, "the path above names it");
	if (r == 0) {
		place_scope(&bridge, s->vpn);
		r = use_begin(USE_FD_CONTROL, e);
	}
	return r < 0 ? r : bus_loop_add(USE_FD_BUS, on_first, s);
}

/* --- the end --------------------------------------------------------------------------------- */

static bool lock_session(int lock, int tries)
{
	while (flock(lock, LOCK_EX | LOCK_NB) < 0)
		if (--tries <= 0)
			return false;
		else
			poll(NULL, 0, 10);
	return true;
}

/* Without a listener a program that connects is refused at once, and the next launch begins anew.
 * Whoever holds the lock is about to come, unless the session ends whether it is used or not. */
static void take_down(struct bus_helper *s, bool by_force)
{
	AUTO_CLOSE int lock = -1;

	if (s->down)
		return;
	lock = openat(USE_FD_DIR, USE_LOCK, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (!lock_session(lock, by_force ? 100 : 1) || (!use_end(USE_FD_DIR) && !by_force))
		return;
	unlinkat(USE_FD_DIR, USE_CONTROL, 0);
	unlinkat(USE_FD_DIR, "run/" USE_BUS, 0);
	unlinkat(USE_FD_DIR, USE_BUS, 0);
	s->down = true;
}

static void got_use(bool used, void *arg)
{
	struct bus_helper *s = arg;

	s->asked = false;
	s->idle_since = used ? util_now_ms() : s->idle_since;
	if (!used && !use_count())
		take_down(s, false);
}

/* The time until it is to be looked at again, -1: until something happens. */
static int look_at_use(struct bus_helper *s)
{
	int64_t now = util_now_ms();

	if (use_count()) {
		s->idle_since = 0;
		return -1;
	}
	if (!s->idle_since)
		s->idle_since = now;
	if (s->idle_since + LINGER_MS > now)
		return (int)(s->idle_since + LINGER_MS - now);
	if (s->bus.pidfd < 0) {
		got_use(false, s);
		s->idle_since = now;
	} else if (!s->asked) {
		s->asked = bridge_ask_use(&bridge, got_use, s) == 0;
		s->idle_since = now;
	}
	return LINGER_MS;
}

static int run(struct bus_helper *s, struct err *e)
{
	int r = 0;

	while (r == 0 && !s->ended && !s->down && !bridge.ended) {
		int again = use_again(), wait = look_at_use(s);

		r = bus_loop_turn(again >= 0 && (wait < 0 || again < wait) ? again : wait);
	}
	if (bridge.ended && !bridge.alive)
		log_error("VPN '%s' has no session bus: it ended as it began", s->vpn);
	take_down(s, true);
	daemon_end(&s->bus);
	return r < 0 ? err_sys(e, r, "the helper's loop failed") : 0;
}

int main(int argc, char **argv)
{
	static struct bus_helper s = {.bus = DAEMON_INIT};
	struct err e = ERR_INIT;

	log_program = "vpnrun-session";
	if (argc == 2 && strcmp(argv[1], "--wait") == 0)
		return wait_for_bridge();
	if (argc < 2 || argc > 3 || !(str_is_vpn_name(argv[1]) || strcmp(argv[1], "none") == 0)) {
		log_error("vpnrun starts this program; see vpnrun(1)");
		return 2;
	}
	s.vpn = argv[1];
	s.broker = argc > 2 ? argv[2] : NULL;
	place_journal();
	if (begin(&s, &e) < 0 || run(&s, &e) < 0) {
		log_error("%s", e.msg);
		return 1;
	}
	return 0;
}
