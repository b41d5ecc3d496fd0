/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor process: all that it watches is in one table, below, and its loop is nothing but
 * that table. Runs as root in the namespace where the tunnel's socket is, reads the profile anew
 * each time, keeps no key between starts. Must never outlive the namespace that it was started for.
 * Started by supervise_start(); the only code of keeper/ that decides what happens when.
 */
#include "keeper/supervise_run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "keeper/ground.h"
#include "keeper/inbound_serve.h"
#include "keeper/keep.h"
#include "keeper/port_forward.h"
#include "keeper/reap.h"
#include "keeper/userspace.h"
#include "tunnel/resolve.h"
#include "tunnel/via.h"
#include "ensure/applied.h"
#include "up/finish.h"
#include "wall/firewall_load.h"

#define LOG_LOOK_MS 600000
#define LOG_MAX	    (256 * 1024)

static const int backoff_ms[] = {0, 200, 1000, 5000};

struct sup {
	struct ground ground;
	bool kernel; /* there is no wireguard-go to run: the keeper is all */
	bool told;   /* to end */
	int signal_fd;
	struct userspace tunnel;
	unsigned int failures; /* of starts, in a row */
	int64_t start_at;      /* while none runs: when to start the next */
	struct keeper keeper;
	bool look_now;
	struct reaper reaper;
	struct forwarder forwarder;
	bool reread;	/* the record has changed, or the ports of its cables */
	int inbound_fd; /* where ports are asked for, -1: nowhere */
};

/* --- starting wireguard-go -------------------------------------------------------------------- */

/* Nobody inside may have anything to send before it is known whether another address answers. */
static void take_up(struct sup *s, const struct profile *p, const struct endpoint_set *es, int ns)
{
	const struct tunnel_dev dev = {p->name, ns, true};
	char at[ENDPOINT_TEXT_LEN];

	if (!s->keeper.wants_fresh) {
		userspace_nudge(&s->tunnel);
		return;
	}
	if (es->n) {
		endpoint_format(&es->at[es->named], at);
		log_info("the endpoint of %s is %s now, by a fresh wireguard-go", p->name, at);
	}
	if (userspace_take_up(&s->tunnel, NULL) == 0)
		tunnel_dev_call(&dev, &p->tunnel, es, NULL);
	s->keeper.wants_fresh = false;
}

/* The first leaves the device down, for `up` to finish; later ones finish themselves. */
static int start_tunnel(struct sup *s, const struct profile *p, bool first, struct err *e)
{
	AUTO_CLOSE int ns = ground_open(&s->ground, e);
	struct endpoint_set es = {0};
	int r = ns < 0 ? ns : via_resolve_here(p, first ? RESOLVE_RETRIES : 0, &es, e);

	if (r == 0 && s->keeper.wants_fresh)
		keeper_choose(&s->keeper, &es);
	r = r ?: userspace_start(&s->tunnel, &p->tunnel, &es, ns, e);
	if (r == 0 && !first)
		r = tunnel_finish(p, ns, s->tunnel.mtu, e);
	if (r == 0 && !first)
		take_up(s, p, &es, ns);
	endpoint_set_free(&es);
	return r;
}

static int launch(struct sup *s, bool first, struct err *e)
{
	struct profile p = {0};
	int r = applied_load(s->ground.name, &p, e);

	if (r > 0)
		r = -ENOKEY;
	if (r == 0 && first)
		s->ground.layout = p.layout;
	if (r == 0 && s->ground.layout != p.layout)
		r = err_set(e, -ESTALE, "the layout of %s was changed: down and up again",
			    s->ground.name);
	r = r ?: start_tunnel(s, &p, first, e);
	profile_free(&p);
	if (r < 0)
		userspace_end(&s->tunnel);
	return r;
}

/* The next start waits for longer, the more have failed. */
static void start_later(struct sup *s)
{
	size_t last = ARRAY_SIZE(backoff_ms) - 1;

	s->start_at = util_now_ms() + backoff_ms[s->failures < last ? s->failures : last];
}

static void start_again(struct sup *s)
{
	const char *name = s->ground.name;
	struct err e = ERR_INIT;

	/* This is asked after the wait: the end of the namespace is what ends wireguard-go, too. */
	if (s->told || !ground_is_wanted(&s->ground)) {
		s->told = true;
		return;
	}
	s->failures++;
	if (launch(s, false, &e) == 0) {
		log_info("wireguard-go for %s runs again", name);
		return;
	}
	log_error("cannot start wireguard-go for %s again: %s", name, e.msg);
	start_later(s);
}

/* --- what is watched: signals ----------------------------------------------------------------- */

static void poll_signals(const struct sup *s, struct pollfd *fds, int *ret_ms)
{
	fds[0] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
	*ret_ms = -1;
}

static void take_signal(struct sup *s, const struct pollfd *fds)
{
	struct signalfd_siginfo si;

	if (!fds[0].revents || read(s->signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGUSR2) {
		s->look_now = true;
		/* Of a switch that was killed early the kernel has told nothing. */
		healer_hurry(&s->keeper.healer);
	} else if (si.ssi_signo == SIGHUP) {
		/* The record was written anew, and the tunnel was set up anew before that. */
		s->reread = true;
		keeper_forget(&s->keeper);
	} else if (si.ssi_signo == SIGURG) {
		s->reread = true;
	} else if (si.ssi_signo == SIGUSR1) {
		userspace_nudge(&s->tunnel);
	} else {
		s->told = true;
	}
}

/* --- the tunnel and the world around it ------------------------------------------------------- */

static void poll_keeper(const struct sup *s, struct pollfd *fds, int *ret_ms)
{
	keeper_poll(&s->keeper, fds, ret_ms);
}

static void keep(struct sup *s, const struct pollfd *fds)
{
	AUTO_CLOSE int ns = -1;
	struct err e = ERR_INIT;
	bool due;

	(void)fds;
	due = keeper_wake(&s->keeper);
	/* What runs is ended, and watch_tunnel() starts the next at once. */
	if (s->keeper.wants_fresh && s->tunnel.pid) {
		userspace_end(&s->tunnel);
		s->failures = 0;
		s->start_at = 0;
		return;
	}
	if (!due && !s->look_now)
		return;
	ns = ground_open(&s->ground, &e);
	if (ns >= 0)
		keeper_look(&s->keeper, ns, s->look_now);
	else if (s->kernel && ground_has_gone(ns))
		s->told = true; /* the namespace is gone, and the device with it */
	else
		keeper_defer(&s->keeper);
	s->look_now = false;
}

/* --- those who have left ---------------------------------------------------------------------- */

static void poll_reaper(const struct sup *s, struct pollfd *fds, int *ret_ms)
{
	reaper_poll(&s->reaper, fds, ret_ms);
}

/* Shuts what they had open. */
static void reap_flows(struct sup *s, const struct pollfd *fds)
{
	AUTO_CLOSE int ns = -1;

	(void)fds;
	if (!reaper_wake(&s->reaper))
		return;
	ns = ground_open(&s->ground, NULL);
	if (ns >= 0)
		reaper_run(&s->reaper, ns);
	else
		s->reaper.due_at = 0; /* it is all gone */
}

/* --- ports from the VPN's side ---------------------------------------------------------------- */

static void poll_ports(const struct sup *s, struct pollfd *fds, int *ret_ms)
{
	fds[0] = (struct pollfd){.fd = s->inbound_fd, .events = POLLIN};
	forwarder_poll(&s->forwarder, fds + 1, ret_ms);
}

static void serve_ports(struct sup *s, const struct pollfd *fds)
{
	AUTO_CLOSE int ns = -1;

	if (!fds[0].revents && !s->reread && !forwarder_is_due(&s->forwarder))
		return;
	ns = ground_open(&s->ground, NULL);
	if (ns < 0) {
		forwarder_close(&s->forwarder);
		forwarder_init(&s->forwarder, s->ground.name);
		return;
	}
	if (fds[0].revents)
		inbound_serve(s->inbound_fd, s->ground.name, ns);
	if (s->reread)
		forwarder_reread(&s->forwarder, ns);
	s->reread = false;
	forwarder_step(&s->forwarder, ns);
}

/* --- wireguard-go ------------------------------------------------------------------------------
 */

static void poll_tunnel(const struct sup *s, struct pollfd *fds, int *ret_ms)
{
	int64_t at = s->tunnel.pid ? s->tunnel.port_at : s->start_at, left = at - util_now_ms();

	fds[0] = (struct pollfd){.fd = s->tunnel.fd, .events = POLLIN};
	*ret_ms = s->kernel || (s->tunnel.pid && !s->tunnel.want_port) ? -1
		  : left > 0					       ? (int)left
								       : 0;
}

static void watch_tunnel(struct sup *s, const struct pollfd *fds)
{
	if (s->kernel)
		return;
	if (s->tunnel.pid && fds[0].revents) {
		if (userspace_reap(&s->tunnel))
			s->failures = 0;
		start_later(s);
	}
	if (!s->tunnel.pid && util_now_ms() >= s->start_at)
		start_again(s);
	else if (s->tunnel.want_port && util_now_ms() >= s->tunnel.port_at)
		userspace_set_port(&s->tunnel);
}

/* --- the log -----------------------------------------------------------------------------------
 */

static void poll_log(const struct sup *s, struct pollfd *fds, int *ret_ms)
{
	(void)s;
	(void)fds;
	*ret_ms = LOG_LOOK_MS;
}

static void trim_log(struct sup *s, const struct pollfd *fds)
{
	struct stat st;

	(void)s;
	(void)fds;
	if (fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > LOG_MAX &&
	    ftruncate(STDERR_FILENO, 0) < 0)
		log_error("cannot empty the log: %s", strerror(errno));
}

/* --- the table, and the loop over it -----------------------------------------------------------
 */

/* After each wait all of them are asked, in this order: a signal counts for all, and what a start
 * of wireguard-go takes keeps nobody waiting who had something to do. */
static const struct {
	size_t n_fds;
	/* Tells what to wait for, and how long at most; -1: no matter how long. */
	void (*poll)(const struct sup *s, struct pollfd *fds, int *ret_ms);
	/* Takes what there is, and does what is due. */
	void (*wake)(struct sup *s, const struct pollfd *fds);
} watched[] = {
	{1, poll_signals, take_signal}, {KEEPER_FDS, poll_keeper, keep},
	{1, poll_reaper, reap_flows},	{1 + FORWARD_FDS, poll_ports, serve_ports},
	{1, poll_tunnel, watch_tunnel}, {0, poll_log, trim_log},
};
#define WATCHED_FDS (1 + KEEPER_FDS + 1 + 1 + FORWARD_FDS + 1)

static void wait_and_do(struct sup *s)
{
	struct pollfd fds[WATCHED_FDS] = {0};
	int timeout_ms = -1;
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(watched); i++) {
		int ms;

		watched[i].poll(s, fds + at, &ms);
		at += watched[i].n_fds;
		if (ms >= 0 && (timeout_ms < 0 || ms < timeout_ms))
			timeout_ms = ms;
	}
	poll(fds, at, timeout_ms);
	at = 0;
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++) {
		watched[i].wake(s, fds + at);
		at += watched[i].n_fds;
	}
}

/* --- beginning and end -------------------------------------------------------------------------
 */

static int prepare(struct sup *s, struct err *e)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP, SIGURG};
	sigset_t set;

	firewall_load_fresh();
	/* wireguard-go inherits it. */
	if (util_forbid_cores() < 0)
		return err_sys(e, -errno, "cannot forbid core dumps");
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return err_sys(e, -errno, "cannot make a signalfd");
	return ground_lock(&s->ground, e);
}

/* With the kernel's WireGuard there is a device already, and nothing to run. */
static int begin_kernel(struct sup *s, struct err *e)
{
	AUTO_CLOSE int ns = -1;
	struct profile p = {0};
	int r = applied_load(s->ground.name, &p, e);

	s->ground.layout = p.layout;
	profile_free(&p);
	if (r < 0)
		return r; /* the keys are not needed */
	ns = ground_open(&s->ground, e);
	return ns < 0 ? ns : 0;
}

/* The tunnel works without it; what is left of others only takes up room for longer. */
static void begin_reaping(struct sup *s)
{
	const char *name = s->ground.name;
	struct err e = ERR_INIT;
	AUTO_CLOSE int ns = ground_open(&s->ground, &e);

	if (ns < 0 || reaper_open(&s->reaper, name, ns, &e) < 0)
		log_error("nobody hears when programs leave %s: %s", name, e.msg);
}

static int begin(struct sup *s, struct err *e)
{
	const char *name = s->ground.name;
	int r = prepare(s, e);

	forwarder_init(&s->forwarder, name);
	r = r ?: keeper_open(&s->keeper, name, !s->kernel, e);
	if (r < 0)
		return r;
	r = s->kernel ? begin_kernel(s, e) : launch(s, true, e);
	if (r < 0)
		return r;
	begin_reaping(s);
	s->inbound_fd = inbound_listen(name, e);
	return s->inbound_fd < 0 ? s->inbound_fd : 0;
}

static void end(struct sup *s)
{
	keeper_close(&s->keeper);
	reaper_close(&s->reaper);
	forwarder_close(&s->forwarder);
	util_close(&s->inbound_fd);
	userspace_end(&s->tunnel);
	util_close(&s->signal_fd);
	ground_unlock(&s->ground);
}

int supervise_run(const char *name, uint32_t mtu, bool kernel, int status_fd, struct err *e)
{
	struct sup s = {
		.ground = {.name = name, .lock_fd = -1},
		.kernel = kernel,
		.signal_fd = -1,
		.tunnel = {.name = name, .mtu = mtu, .fd = -1},
		.keeper = {.event_fd = -1,
			   .helper = HELPER_INIT,
			   .failover = {.helper = HELPER_INIT}},
		.reaper = {.events = NL_SOCK_INIT},
		.inbound_fd = -1,
		.reread = true,
	};
	struct err report = ERR_INIT;
	int r = begin(&s, &report);

	if (r == 0)
		report = (struct err)ERR_INIT;
	report.code = r;
	/* From the report on it lives without `up`: see exec_supervisor(). */
	prctl(PR_SET_PDEATHSIG, 0);
	/* Nobody is left to finish what was begun if `up` is gone by now. */
	if (status_fd >= 0 && write(status_fd, &report, sizeof(report)) != sizeof(report))
		s.told = true;
	if (status_fd >= 0)
		close(status_fd);
	while (r == 0 && !s.told)
		wait_and_do(&s);
	end(&s);
	return r < 0 ? err_set(e, r, "%s", report.msg) : 0;
}
