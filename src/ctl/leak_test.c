/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl leak-test NAME [--cut]`: whether a VPN of this machine is closed, seen and not believed.
 * A program inside tries every way out, with packets that can be told from all others, and a watch
 * on the host's devices must see none of them. First of all the watch has to see one that is sent
 * in the clear on purpose: else nothing is shown. With --cut also while the tunnel is taken away
 * and comes back, which everybody inside feels.
 */
#include "ctl/ctl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "ctl/leak.h"
#include "ctl/show.h"
#include "ctl/view.h"
#include "nl/rtnl.h"
#include "ns/netns.h"
#include "vpn/apply.h"
#include "vpn/passage.h"
#include "vpn/profile.h"

#define ROUNDS	   5	 /* of each part */
#define PART_MS	   20000 /* for them */
#define CONTROL_MS 3000
#define ARGS_MAX   (LEAK_ADDR_MAX + 8)

struct test {
	const char *name;
	struct record rec;
	struct leak_watch watch;
	pid_t child;
	int to_child, from_child;
	unsigned int rounds, leaks;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* --- the program inside ---------------------------------------------------------------------- */

/* The name servers that the host itself asks: what a leaking program would reach first. */
static int host_servers(char ret[][INET6_ADDRSTRLEN], int max)
{
	AUTO_FREE char *text = NULL;
	char *line, *rest;
	struct in6_addr a;
	int n = 0;

	if (file_read("/etc/resolv.conf", 65536, &text, NULL, NULL) < 0)
		return 0;
	for (rest = text; n < max && (line = strsep(&rest, "\n"));) {
		if (!str_starts(line, "nameserver") || (line[10] != ' ' && line[10] != '\t'))
			continue;
		line += 10 + strspn(line + 10, " \t");
		line[strcspn(line, " \t\r")] = '\0';
		if (inet_pton(strchr(line, ':') ? AF_INET6 : AF_INET, line, &a) == 1 &&
		    str_copy(ret[n], INET6_ADDRSTRLEN, line) == 0)
			n++;
	}
	return n;
}

__attribute__((noreturn)) static void exec_child(const struct test *t, int in, int out,
						 pid_t parent)
{
	static char arg1[] = "--", arg3[] = "leak-probe";
	char servers[LEAK_ADDR_MAX][INET6_ADDRSTRLEN], port[8], name[NAME_MAX_LEN + 1];
	char self[PATH_MAX], vpnrun[PATH_MAX + 8], mark[LEAK_TEXT_LEN + 1], *argv[ARGS_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int argc = 0, k = host_servers(servers, LEAK_ADDR_MAX);

	if (n <= 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(125);
	self[n] = '\0';
	snprintf(vpnrun, sizeof(vpnrun), "%.*s/vpnrun", (int)(strrchr(self, '/') - self), self);
	snprintf(port, sizeof(port), "%u", t->watch.mark.port);
	str_copy(mark, sizeof(mark), t->watch.mark.text);
	str_copy(name, sizeof(name), t->name);
	argv[argc++] = vpnrun;
	argv[argc++] = name;
	argv[argc++] = arg1;
	argv[argc++] = self;
	argv[argc++] = arg3;
	argv[argc++] = mark;
	argv[argc++] = port;
	for (int i = 0; i < k; i++)
		argv[argc++] = servers[i];
	argv[argc] = NULL;
	signal(SIGINT, SIG_IGN); /* it ends with its input */
	if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0)
		execv(vpnrun, argv);
	_exit(126);
}

static int start_child(struct test *t, struct err *e)
{
	AUTO_CLOSE int in0 = -1, in1 = -1, out0 = -1, out1 = -1;
	pid_t self = getpid();
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot make a pipe");
	in0 = in[0];
	in1 = in[1];
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot make a pipe");
	out0 = out[0];
	out1 = out[1];
	t->child = fork();
	if (t->child < 0)
		return err_sys(e, -errno, "cannot start a program in %s", t->name);
	if (t->child == 0)
		exec_child(t, in0, out1, self);
	t->to_child = take_fd(&in1);
	t->from_child = take_fd(&out0);
	return 0;
}

static void end_child(struct test *t)
{
	util_close(&t->to_child);
	util_close(&t->from_child);
	if (t->child > 0)
		while (waitpid(t->child, NULL, 0) < 0 && errno == EINTR)
			;
}

/* --- parts ----------------------------------------------------------------------------------- */

/* True: something came from fd (-1: of the watch alone), or there is more time. */
static bool wait_any(struct leak_watch *w, int fd, int64_t end)
{
	struct pollfd p[] = {{.fd = w->fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	int64_t left = end - util_now_ms();

	if (left <= 0)
		return false;
	poll(p, ARRAY_SIZE(p), (int)left);
	leak_watch_read(w);
	return true;
}

static void send_clear(const char *text, int family, const struct leak_mark *m)
{
	AUTO_CLOSE int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(m->port)};
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(m->port)};

	if (fd < 0)
		return;
	if (family == AF_INET && inet_pton(family, text, &a4.sin_addr) == 1)
		sendto(fd, m->text, LEAK_TEXT_LEN, 0, (struct sockaddr *)&a4, sizeof(a4));
	else if (inet_pton(family, text, &a6.sin6_addr) == 1)
		sendto(fd, m->text, LEAK_TEXT_LEN, 0, (struct sockaddr *)&a6, sizeof(a6));
}

/* Sends one packet in the clear, which is no program's: the watch must see it. */
static int control(const struct record *rec, struct err *e)
{
	int64_t end = util_now_ms() + CONTROL_MS;
	struct leak_mark mark;
	struct leak_watch w;
	int r = leak_mark_make(&mark, e);

	if (r == 0)
		r = leak_watch_open(&w, &mark, rec, e);
	if (r < 0)
		return r;
	send_clear(LEAK_TARGET4, AF_INET, &mark);
	send_clear(LEAK_TARGET6, AF_INET6, &mark);
	while (w.n == 0 && !interrupted && wait_any(&w, -1, end))
		;
	leak_watch_close(&w);
	if (w.n == 0)
		return err_set(
			e, -ENETUNREACH,
			"a packet sent in the clear on purpose was not seen to leave: without an "
			"uplink, or with a VPN for the whole machine, this test shows nothing");
	say("%-24s %s\n", "in the clear on purpose", w.first);
	return 0;
}

/* The program inside goes through some rounds; what of them was seen outside? */
static int run_part(struct test *t, const char *what, struct err *e)
{
	int64_t end = util_now_ms() + PART_MS;
	unsigned int was = t->watch.n, n = 0;
	char dots[64];
	ssize_t k = 1;

	while (n < ROUNDS && k > 0 && !interrupted && wait_any(&t->watch, t->from_child, end)) {
		struct pollfd p = {.fd = t->from_child, .events = POLLIN};

		if (poll(&p, 1, 0) <= 0)
			continue;
		k = read(t->from_child, dots, sizeof(dots));
		n += k > 0 ? (unsigned int)k : 0;
	}
	leak_watch_read(&t->watch);
	if (interrupted)
		return err_set(e, -EINTR, "interrupted");
	if (n < ROUNDS)
		return err_set(e, -ECHILD, "the program inside %s %s", t->name,
			       k > 0 ? "does not go on" : "has ended");
	if (t->watch.lost)
		return err_set(
			e, -ENOBUFS,
			"this machine sends more than can be watched: try when it is less busy");
	t->rounds += n;
	t->leaks += t->watch.n - was;
	if (t->watch.n > was)
		say("%-24s LEAK: %u packets, the first: %s\n", what, t->watch.n - was,
		    t->watch.first);
	else
		say("%-24s nothing seen outside\n", what);
	fflush(stdout);
	return 0;
}

static int set_down(const struct test *t, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	AUTO_CLOSE int ns = record_open_netns(&t->rec, e);
	int r = ns < 0 ? ns : ns_nl_open(&s, ns, NETLINK_ROUTE, e);

	return r < 0 ? r : rtnl_link_set_up(&s, t->rec.device, false, e);
}

static int run_cut(struct test *t, const struct profile *p, struct err *e)
{
	struct down_report rep;
	int r = set_down(t, e);

	if (r == 0)
		r = run_part(t, "the tunnel set down", e);
	if (r == 0)
		r = vpn_down(t->name, false, &rep, e);
	if (r == 0)
		r = run_part(t, "down", e);
	/* Whatever has failed: everybody inside waits for it. */
	if (r == 0)
		r = vpn_up(p, NULL, e);
	else
		vpn_up(p, NULL, NULL);
	if (r == 0)
		r = run_part(t, "up again", e);
	if (r == 0)
		r = vpn_restart(p, NULL, e);
	return r < 0 ? r : run_part(t, "restarted", e);
}

static int run(struct test *t, bool cut, struct err *e)
{
	struct profile p = {0};
	struct leak_mark mark;
	int r = cut ? profile_load_name(t->name, &p, e) : 0;

	/* What is closed to all is closed, and nothing is shown by it. */
	if (r == 0 && t->rec.layout == LAYOUT_BRIDGE)
		r = passage_judge(&t->rec, e);
	if (r == 0)
		r = control(&t->rec, e);
	if (r == 0)
		r = leak_mark_make(&mark, e);
	if (r == 0)
		r = leak_watch_open(&t->watch, &mark, &t->rec, e);
	if (r == 0)
		r = start_child(t, e);
	if (r == 0)
		r = run_part(t, "up", e);
	if (r == 0 && cut)
		r = run_cut(t, &p, e);
	end_child(t);
	leak_watch_close(&t->watch);
	profile_free(&p);
	return r;
}

int ctl_leak_test(int argc, char **argv)
{
	const struct sigaction act = {.sa_handler = on_signal};
	struct test t = {.watch.fd = -1, .to_child = -1, .from_child = -1};
	struct err e = ERR_INIT;
	bool cut = false;
	int r;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--cut"))
			cut = true;
		else if (!t.name && argv[i][0] != '-')
			t.name = argv[i];
		else
			argc = 0;
	}
	if (!t.name || argc == 0) {
		log_error("usage: vpnctl leak-test NAME [--cut]");
		return CTL_USAGE;
	}
	if (!ctl_is_root("leak-test"))
		return CTL_FAILED;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	r = view_find_record(t.name, &t.rec, &e);
	if (r == 0 || (r > 0 && t.rec.state != RECORD_UP))
		r = err_set(&e, -ENETDOWN, "VPN '%s' is down: vpnctl up %s", t.name, t.name);
	if (r > 0)
		r = run(&t, cut, &e);
	if (r < 0)
		return ctl_fail(&e);
	if (t.leaks) {
		log_error("%s leaks", t.name);
		return CTL_FAILED;
	}
	say("%s is closed: in %u rounds no packet and no name was seen outside\n", t.name,
	    t.rounds);
	return CTL_OK;
}
