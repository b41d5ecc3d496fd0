/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bus/daemon.c: the bus that a session's helper starts, and that nothing of it is left (L63). A
 * script stands in vpnrun's place.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "bus/daemon.h"

static char top[] = "/tmp/test_daemon.XXXXXX";

static const char *at(const char *rel)
{
	static char buf[4][128];
	static unsigned int i;
	char *p = buf[i++ % 4];

	str_fmt(p, sizeof(buf[0]), "%s/%s", top, rel);
	return p;
}

static void put_script(const char *text)
{
	int fd = open(at("bin/vpnrun"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	if (fd < 0 || fd_write_all(fd, text, strlen(text)) < 0)
		exit(1);
	close(fd);
}

/* What the script has written, once it has. */
static const char *written(const char *rel)
{
	static char text[512];
	ssize_t n = 0;

	for (int i = 0; i < 500 && n <= 0; i++) {
		int fd = open(at(rel), O_RDONLY | O_CLOEXEC);

		n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
		util_close(&fd);
		if (n <= 0)
			poll(NULL, 0, 10);
	}
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int start(struct daemon *d, const char *broker, struct err *e)
{
	struct daemon_how how = {.vpn = "demo", .broker = broker};
	int r;

	how.program = at("libexec/vpnrun/vpnrun-session");
	how.listener = open("/dev/null", O_RDONLY | O_CLOEXEC);
	r = daemon_start(d, &how, e);
	close(how.listener);
	return r;
}

static bool ends(pid_t pid)
{
	for (int i = 0; i < 500; i++) {
		if (kill(pid, 0) < 0)
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

static void test_start(void)
{
	struct daemon d = DAEMON_INIT;
	struct err e = ERR_INIT;
	char want[512];

	put_script(
		"#!/bin/sh\n"
		"echo \"$@ $LISTEN_FDS $((LISTEN_PID == $$)) $(readlink /proc/$$/fd/3)\" >\"${0%/bin/*}/new\"\n"
		"mv \"${0%/bin/*}/new\" \"${0%/bin/*}/said\"\nexec sleep 1000\n");
	is_int(start(&d, "/x", &e), 0, "a bus is started");
	str_fmt(want, sizeof(want),
		"--keep-fd 3 --socket /x demo dbus-daemon --nofork --nopidfile "
		"--config-file=%s/lib/vpnrun/dbus/session.conf 1 1 /dev/null\n",
		top);
	is_str(written("said"), want,
	       "L38: by vpnrun, with its socket, its broker and its own configuration");
	daemon_end(&d);
	is_int(d.pidfd, -1, "it is ended");
	ok(ends(d.pid), "and there is none");
	daemon_end(&d);
	ok(true, "to end it twice is nothing");
	unlink(at("said"));
}

/* What a child of the bus leaves behind, and that does not listen. */
static void test_left(void)
{
	struct daemon d = DAEMON_INIT;
	struct err e = ERR_INIT;
	pid_t left;

	put_script(
		"#!/bin/sh\n"
		"(setsid sh -c 'trap \"\" TERM; echo $$ >\"$1/new\"; mv \"$1/new\" \"$1/left\"; exec sleep 1000' "
		"- \"${0%/bin/*}\" &)\nexec sleep 1000\n");
	is_int(start(&d, NULL, &e), 0, "a bus whose child starts another, and ends");
	left = (pid_t)strtol(written("left"), NULL, 10);
	ok(left > 1 && kill(left, 0) == 0, "control: that one is there");
	daemon_end(&d);
	ok(left > 1 && ends(left),
	   "L63: it is not left behind, though it does not end when it is asked");
	if (left > 1)
		kill(left, SIGKILL);
}

/* The bus of a helper that is killed. */
static void test_helper_dies(void)
{
	int p[2], n;
	pid_t pid, bus = 0;

	put_script("#!/bin/sh\nexec sleep 1000\n");
	if (pipe2(p, O_CLOEXEC) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		struct daemon d = DAEMON_INIT;
		struct err e = ERR_INIT;
		char comm[16] = "";

		start(&d, NULL, &e);
		/* Its wish for a signal counts from when it has become the script. */
		while (strcmp(comm, "sleep\n") != 0) {
			char path[32];
			int fd;

			str_fmt(path, sizeof(path), "/proc/%d/comm", d.pid);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			n = (int)read(fd, comm, sizeof(comm) - 1);
			comm[n > 0 ? n : 0] = '\0';
			util_close(&fd);
			poll(NULL, 0, 10);
		}
		if (write(p[1], &d.pid, sizeof(d.pid)) < 0)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	close(p[1]);
	ok(read(p[0], &bus, sizeof(bus)) == sizeof(bus) && bus > 1,
	   "a helper with a bus is killed");
	close(p[0]);
	ok(bus > 1 && ends(bus), "and its bus ends");
	if (bus > 1)
		kill(bus, SIGKILL);
}

int main(void)
{
	struct daemon d = DAEMON_INIT;
	struct err e = ERR_INIT;
	int r;

	tap_begin();
	signal(SIGCHLD, SIG_IGN);
	if (!mkdtemp(top) || mkdir(at("bin"), 0700) < 0)
		return 1;
	test_start();
	test_left();
	test_helper_dies();
	unlink(at("bin/vpnrun"));
	r = start(&d, NULL, &e);
	ok(r == 0 || r == -ESRCH, "no vpnrun: the process is there, or has ended by now: %d", r);
	ok(d.pid <= 0 || ends(d.pid), "and ends");
	daemon_end(&d);
	unlink(at("left"));
	rmdir(at("bin"));
	rmdir(top);
	return tap_done();
}
