/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts the bus by vpnrun, so that it and what it starts are where every program of the VPN is.
 * The helper itself starts nothing else, and nothing after this: it confines itself then. Called by
 * the main of vpnrun-session.
 */
#include "bus/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/child.h"
#include "base/util.h"

#define LISTEN_FD    3 /* as sd_listen_fds(3) has it */
#define END_ROUNDS   20
#define END_ROUND_MS 50
#define CHILDREN_MAX 4096

/* DIR/libexec/vpnrun/vpnrun-session, three steps up. */
static int beside(char *ret, size_t size, const char *program, const char *rest)
{
	size_t len = strlen(program);

	for (int up = 0; up < 3; up++)
		while (len && program[--len] != '/')
			;
	return str_fmt(ret, size, "%.*s/%s", (int)len, program, rest);
}

struct daemon_birth {
	const struct daemon *d;
	const struct daemon_how *how;
};

static int become_bus(void *arg)
{
	const struct daemon_birth *b = arg;
	const struct daemon_how *how = b->how;
	char vpnrun[PATH_MAX], config[PATH_MAX], option[PATH_MAX + 32], pid[16];
	struct rlimit l;

	if (beside(vpnrun, sizeof(vpnrun), how->program, "bin/vpnrun") < 0 ||
	    beside(config, sizeof(config), how->program, "lib/vpnrun/dbus/session.conf") < 0 ||
	    str_fmt(option, sizeof(option), "--config-file=%s", config) < 0 ||
	    str_fmt(pid, sizeof(pid), "%d", getpid()) < 0)
		return 126;
	if (b->d->files && getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = b->d->files;
		setrlimit(RLIMIT_NOFILE, &l);
	}
	/* A helper that dies leaves no bus behind. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || dup2(how->listener, LISTEN_FD) < 0 ||
	    fcntl(LISTEN_FD, F_SETFD, 0) < 0)
		return 126;
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	unsetenv("LISTEN_FDNAMES");
	setenv("VPNRUN_SESSION", how->program, 1);
	if (how->broker)
		execl(vpnrun, vpnrun, "--keep-fd", "3", "--socket", how->broker, how->vpn,
		      "dbus-daemon", "--nofork", "--nopidfile", option, NULL);
	else
		execl(vpnrun, vpnrun, "--keep-fd", "3", how->vpn, "dbus-daemon", "--nofork",
		      "--nopidfile", option, NULL);
	return 127;
}

int daemon_start(struct daemon *d, const struct daemon_how *how, struct err *e)
{
	struct daemon_birth b = {d, how};
	char path[64];
	pid_t pid;

	/* What a child of the bus leaves behind comes to us, not to init: so it can be ended. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot look after the bus's children");
	if (str_fmt(path, sizeof(path), "/proc/self/task/%d/children", getpid()) > 0)
		d->children = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	pid = child_start(CHILD_PLAIN_SIGNALS, become_bus, &b);
	if (pid > 0) {
		d->pid = pid;
		d->pidfd = child_pidfd(pid);
	}
	if (pid > 0 && d->pidfd >= 0)
		return 0;
	/* One that has ended at once is not there any more: SIGCHLD is ignored. */
	util_close(&d->children);
	return err_sys(e, pid < 0 ? pid : d->pidfd, "cannot start the bus of VPN '%s'", how->vpn);
}

/* Sends sig to all that is below us; how many they are. */
static int signal_all(const struct daemon *d, int sig)
{
	char text[CHILDREN_MAX], *at = text, *next;
	ssize_t n = d->children >= 0 ? pread(d->children, text, sizeof(text) - 1, 0) : 0;
	int count = 0;

	text[n > 0 ? n : 0] = '\0';
	for (;; at = next) {
		long pid = strtol(at, &next, 10);

		if (next == at || pid <= 1)
			return count;
		kill((pid_t)pid, sig);
		count++;
	}
}

void daemon_end(struct daemon *d)
{
	if (d->pidfd < 0)
		return;
	kill(d->pid, SIGTERM);
	poll(&(struct pollfd){.fd = d->pidfd, .events = POLLIN}, 1, END_ROUNDS * END_ROUND_MS);
	/* Ended ones are nobody's zombies: SIGCHLD is ignored. */
	for (int i = 0; i < END_ROUNDS && signal_all(d, i < END_ROUNDS / 2 ? SIGTERM : SIGKILL);
	     i++)
		poll(NULL, 0, END_ROUND_MS);
	util_close(&d->pidfd);
	util_close(&d->children);
}
